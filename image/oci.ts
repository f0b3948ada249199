/**
 * Writes an OCI image archive (image-spec v1.1: oci-layout, index.json, blobs/) that `ctr images import` and other
 * tools take: an image without a registry and without a container engine.
 */
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { type Architecture, ownArchitecture } from './architectures.ts'
import { type TarEntry, tarArchive } from './tar.ts'

export interface Layer {
  readonly compressed: Buffer
  /** sha256:... of the uncompressed archive, which the configuration lists. */
  readonly diffId: string
  readonly unpackedBytes: number
}

export interface ImageConfig {
  readonly entrypoint: readonly string[]
  readonly user?: string
  readonly labels?: Readonly<Record<string, string>>
}

export interface Image {
  readonly architecture: Architecture
  readonly layers: readonly Layer[]
}

const digest = (content: Uint8Array): string => `sha256:${createHash('sha256').update(content).digest('hex')}`

export function layerOf(entries: readonly TarEntry[]): Layer {
  const archive = tarArchive(entries)
  return { compressed: gzipSync(archive, { level: 9 }), diffId: digest(archive), unpackedBytes: archive.length }
}

/** An image for this machine's architecture. @param name as for `imagesArchive` */
export function imageArchive(name: string, layers: readonly Layer[], config: ImageConfig): Buffer {
  return imagesArchive(name, [{ architecture: ownArchitecture(), layers }], config)
}

/**
 * One name for an image, or for one of each architecture, of which a node takes its own.
 * @param name with its registry, e.g. example.org/vxtap:0.1.0: containerd finds no other
 */
export function imagesArchive(name: string, images: readonly Image[], config: ImageConfig): Buffer {
  const blobs: Buffer[] = []
  const stored = (mediaType: string, content: Buffer) => {
    blobs.push(content)
    return descriptor(mediaType, content)
  }
  const manifests = images.map(({ architecture, layers }) => {
    const configuration = stored(types.configuration, configurationOf(architecture, layers, config))
    const stack = layers.map(({ compressed }) => stored(types.layer, compressed))
    const manifest = json({ schemaVersion: 2, mediaType: types.manifest, config: configuration, layers: stack })
    return { ...stored(types.manifest, manifest), platform: { architecture, os: 'linux' } }
  })
  // An archive's own index lists names. What is behind one name is an image, or an index of images (image-index.md).
  const [only] = manifests
  const named = manifests.length === 1 && only ? only : stored(types.index, index(manifests))
  const annotations = {
    'io.containerd.image.name': name,
    'org.opencontainers.image.ref.name': name.slice(name.lastIndexOf(':') + 1),
  }
  return tarArchive([
    { path: 'oci-layout', kind: 'file', content: json({ imageLayoutVersion: '1.0.0' }) },
    { path: 'index.json', kind: 'file', content: index([{ ...named, annotations }]) },
    ...blobs.map((content) => ({
      path: `blobs/${digest(content).replace(':', '/')}`,
      kind: 'file' as const,
      content,
    })),
  ])
}

const configurationOf = (architecture: Architecture, layers: readonly Layer[], config: ImageConfig): Buffer =>
  json({
    architecture,
    os: 'linux',
    config: {
      Entrypoint: config.entrypoint,
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      ...(config.user ? { User: config.user } : {}),
      ...(config.labels ? { Labels: config.labels } : {}),
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(() => ({ created_by: 'vxtap' })),
  })

const index = (manifests: readonly object[]): Buffer => json({ schemaVersion: 2, mediaType: types.index, manifests })

const types = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  configuration: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
} as const

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

const descriptor = (mediaType: string, content: Uint8Array) => ({
  mediaType,
  digest: digest(content),
  size: content.length,
})
