/** The archive as `tar` reads it: every digest and size in it must be what the blobs are. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { imageArchive, imagesArchive, layerOf } from '../../../image/oci.ts'
import type { TarEntry } from '../../../image/tar.ts'

const longName = `${'folder/'.repeat(20)}file`
const entries: readonly TarEntry[] = [
  { path: 'usr', kind: 'folder' },
  { path: 'tmp', kind: 'folder', mode: 0o1777 },
  { path: 'lib', kind: 'link', target: 'usr/lib' },
  { path: 'usr/program', kind: 'file', content: Buffer.alloc(1000, 'x'), mode: 0o755 },
  { path: longName, kind: 'file', content: Buffer.from('deep') },
]

describe('given an archive of two layers', () => {
  let work: string
  const json = (name: string) => JSON.parse(readFileSync(join(work, name), 'utf8'))
  const blob = (digest: string) => join(work, 'blobs', digest.replace(':', '/'))
  const sha256 = (content: Buffer) => `sha256:${createHash('sha256').update(content).digest('hex')}`

  beforeAll(() => {
    work = mkdtempSync(join(tmpdir(), 'vxtap-archive-'))
    const layers = [layerOf(entries), layerOf([{ path: 'app', kind: 'folder' }])]
    const config = { entrypoint: ['node'], user: '65532:65532', labels: { 'org.opencontainers.image.title': 'x' } }
    writeFileSync(join(work, 'image.tar'), imageArchive('example.org/x:1', layers, config))
    execFileSync('tar', ['-xf', join(work, 'image.tar'), '-C', work])
  })
  afterAll(() => rmSync(work, { recursive: true }))

  it('then index, manifest, configuration and layers name each other by digest and size', () => {
    expect(json('oci-layout')).toEqual({ imageLayoutVersion: '1.0.0' })
    const [manifest] = json('index.json').manifests
    expect(sha256(readFileSync(blob(manifest.digest)))).toBe(manifest.digest)
    expect(manifest.annotations).toMatchObject({ 'io.containerd.image.name': 'example.org/x:1' })
    const { config, layers } = JSON.parse(readFileSync(blob(manifest.digest), 'utf8'))
    for (const { digest, size } of [config, ...layers]) {
      expect(sha256(readFileSync(blob(digest)))).toBe(digest)
      expect(statSync(blob(digest)).size).toBe(size)
    }
    const configuration = JSON.parse(readFileSync(blob(config.digest), 'utf8'))
    expect(configuration.config).toMatchObject({
      Entrypoint: ['node'],
      User: '65532:65532',
      Labels: { 'org.opencontainers.image.title': 'x' },
    })
    expect(configuration.rootfs.diff_ids).toEqual(
      layers.map(({ digest }: { digest: string }) => sha256(gunzipSync(readFileSync(blob(digest))))),
    )
  })

  it('then tar finds each entry with its mode, its owner and its content', () => {
    const archive = gunzipSync(layerOf(entries).compressed)
    const tar = (...args: string[]) => execFileSync('tar', args, { input: archive, encoding: 'utf8' })
    const listed = tar('-tvf', '-', '--numeric-owner', '--utc').trim().split('\n')
    expect(listed.map((line) => line.replaceAll(/\s+/g, ' '))).toEqual([
      'drwxr-xr-x 0/0 0 1970-01-01 00:00 usr/',
      'drwxrwxrwt 0/0 0 1970-01-01 00:00 tmp/',
      'lrwxrwxrwx 0/0 0 1970-01-01 00:00 lib -> usr/lib',
      '-rwxr-xr-x 0/0 1000 1970-01-01 00:00 usr/program',
      `-rw-r--r-- 0/0 4 1970-01-01 00:00 ${longName}`,
    ])
    expect(tar('-xOf', '-', longName)).toBe('deep')
  })
})

describe('given an archive of one image for each architecture', () => {
  let work: string
  const blob = (digest: string) => readFileSync(join(work, 'blobs', digest.replace(':', '/')))
  const config = { entrypoint: ['node'] }

  beforeAll(() => {
    work = mkdtempSync(join(tmpdir(), 'vxtap-archive-'))
    const images = (['amd64', 'arm64'] as const).map((architecture) => ({
      architecture,
      layers: [layerOf([{ path: 'program', kind: 'file', content: Buffer.from(architecture) }])],
    }))
    writeFileSync(join(work, 'image.tar'), imagesArchive('example.org/x:1', images, config))
    execFileSync('tar', ['-xf', join(work, 'image.tar'), '-C', work])
  })
  afterAll(() => rmSync(work, { recursive: true }))

  it('then its one name is an index, in which each architecture has an image of its own files', () => {
    const { manifests } = JSON.parse(readFileSync(join(work, 'index.json'), 'utf8'))
    expect(manifests).toMatchObject([
      {
        mediaType: 'application/vnd.oci.image.index.v1+json',
        annotations: { 'io.containerd.image.name': 'example.org/x:1' },
      },
    ])
    const index = JSON.parse(blob(manifests[0].digest).toString())
    const platforms = index.manifests.map(({ platform }: { platform: unknown }) => platform)
    expect(platforms).toEqual([
      { architecture: 'amd64', os: 'linux' },
      { architecture: 'arm64', os: 'linux' },
    ])
    for (const { digest, platform } of index.manifests) {
      const manifest = JSON.parse(blob(digest).toString())
      expect(JSON.parse(blob(manifest.config.digest).toString()).architecture).toBe(platform.architecture)
      expect(gunzipSync(blob(manifest.layers[0].digest)).toString()).toContain(platform.architecture)
    }
  })
})
