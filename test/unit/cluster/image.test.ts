import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { imageArchive, layerOf } from '../../cluster/image/oci.ts'
import { type TarEntry, tarArchive } from '../../cluster/image/tar.ts'

const long = `${'folder/'.repeat(20)}file`
const entries: readonly TarEntry[] = [
  { path: 'usr', kind: 'folder' },
  { path: 'tmp', kind: 'folder', mode: 0o1777 },
  { path: 'usr/program', kind: 'file', content: Buffer.alloc(1000, 'x'), mode: 0o755 },
  { path: 'usr/empty', kind: 'file', content: Buffer.alloc(0) },
  { path: 'usr/link', kind: 'link', target: 'program' },
  { path: long, kind: 'file', content: Buffer.from('far down') },
]

const tar = (archive: Buffer, ...args: string[]): string =>
  execFileSync('tar', ['-f', '-', ...args], { input: archive, encoding: 'utf8' })

describe('a tar archive', () => {
  it('is read by tar with names, modes, sizes and targets as given', () => {
    const listed = tar(tarArchive(entries), '-tv', '--numeric-owner')
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/\s+\d{4}-\d\d-\d\d \d\d:\d\d/, '').replace(/ +/g, ' '))
    expect(listed).toEqual([
      'drwxr-xr-x 0/0 0 usr/',
      'drwxrwxrwt 0/0 0 tmp/',
      '-rwxr-xr-x 0/0 1000 usr/program',
      '-rw-r--r-- 0/0 0 usr/empty',
      'lrwxrwxrwx 0/0 0 usr/link -> program',
      `-rw-r--r-- 0/0 8 ${long}`,
    ])
  })

  it('gives back every byte', () => {
    expect(tar(tarArchive(entries), '-xO', 'usr/program')).toBe('x'.repeat(1000))
    expect(tar(tarArchive(entries), '-xO', long)).toBe('far down')
  })

  it('refuses a name that has no room', () => {
    expect(() => tarArchive([{ path: 'a'.repeat(101), kind: 'folder' }])).toThrow('is too long for a tar archive')
  })
})

describe('an image archive', () => {
  const layer = layerOf(entries)
  const archive = imageArchive('example.org/app:1.2', [layer], { entrypoint: ['/usr/program'], user: '65532' })
  const read = (path: string) => JSON.parse(tar(archive, '-xO', path))
  const blob = (digest: string) => `blobs/${digest.replace(':', '/')}`

  it('leads from its index over manifest and configuration to the layer, by digests that are right', () => {
    const [manifest] = read('index.json').manifests
    expect(manifest.annotations['io.containerd.image.name']).toBe('example.org/app:1.2')
    const { config, layers } = read(blob(manifest.digest))
    expect(read(blob(config.digest))).toMatchObject({
      os: 'linux',
      config: { Entrypoint: ['/usr/program'], User: '65532' },
      rootfs: { diff_ids: [layer.diffId] },
    })
    expect(layers).toHaveLength(1)
    expect(layers[0].digest).toBe(`sha256:${createHash('sha256').update(layer.compressed).digest('hex')}`)
    expect(layers[0].size).toBe(layer.compressed.length)
    expect(tar(archive, '-t')).toContain(blob(layers[0].digest))
  })

  it('is the same, byte for byte, when it is made again', () => {
    const again = imageArchive('example.org/app:1.2', [layerOf(entries)], {
      entrypoint: ['/usr/program'],
      user: '65532',
    })
    expect(again.equals(archive)).toBe(true)
  })
})
