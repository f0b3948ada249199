import { describe, expect, it } from 'vitest'
import type { Contents } from '../../../image/sbom.ts'
import { sbom } from '../../../image/sbom.ts'

const digest = Buffer.alloc(64, 0xab)
const contents: Contents = {
  version: '1.2.3',
  node: '24.1.0',
  distribution: 'debian-12',
  npm: [
    {
      folder: 'node_modules/@scope/one',
      name: '@scope/one',
      version: '1.0.0+build',
      license: '(MIT OR Apache-2.0)',
      integrity: `sha512-${digest.toString('base64')}`,
    },
    { folder: 'node_modules/two', name: 'two', version: '2.0.0', license: 'ISC' },
    { folder: 'node_modules/one/node_modules/two', name: 'two', version: '2.0.0', license: 'ISC' },
  ],
  debian: [
    { name: 'libstdc++6', version: '12.2.0-14+deb12u1', architecture: 'amd64', source: 'gcc-12' },
    { name: 'libpcap0.8', version: '1:1.10.3-1', architecture: 'amd64', source: 'libpcap' },
    { name: 'dbus', version: '1', architecture: 'amd64', source: 'dbus' },
  ],
  loose: [{ path: '/usr/local/lib/libpcap.so.0.8', sha256: 'cd'.repeat(32) }],
}

describe("given what is in an image, the inventory's document", () => {
  const document = sbom(contents)
  const byName = (name: string) => document.components.find((component) => component.name === name)

  it('is CycloneDX 1.6 about vxtap', () => {
    expect(document).toMatchObject({
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      version: 1,
      metadata: { component: { type: 'application', name: 'vxtap', version: '1.2.3', purl: 'pkg:npm/vxtap@1.2.3' } },
    })
  })

  it('lists Node, npm packages, Debian packages and files of neither, each once', () => {
    expect(document.components.map(({ name, type }) => `${type} ${name}`)).toEqual([
      'application node',
      'library @scope/one',
      'library two',
      'library libstdc++6',
      'library libpcap0.8',
      'library dbus',
      'file /usr/local/lib/libpcap.so.0.8',
    ])
    const references = document.components.map((component) => component['bom-ref'])
    expect(new Set(references).size).toBe(references.length)
  })

  it('names an npm package by its encoded package URL, with its digest in hexadecimal', () => {
    expect(byName('@scope/one')).toMatchObject({
      purl: 'pkg:npm/%40scope/one@1.0.0%2Bbuild',
      licenses: [{ expression: '(MIT OR Apache-2.0)' }],
      hashes: [{ alg: 'SHA-512', content: 'ab'.repeat(64) }],
    })
    expect(byName('two')).toMatchObject({ licenses: [{ license: { id: 'ISC' } }] })
    expect(byName('two')).not.toHaveProperty('hashes')
  })

  it('names a Debian package with its distribution, and with its source where that has another name', () => {
    expect(byName('libstdc++6')?.purl).toBe(
      'pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=amd64&distro=debian-12&upstream=gcc-12',
    )
    expect(byName('libpcap0.8')?.purl).toBe(
      'pkg:deb/debian/libpcap0.8@1%3A1.10.3-1?arch=amd64&distro=debian-12&upstream=libpcap',
    )
    expect(byName('dbus')?.purl).toBe('pkg:deb/debian/dbus@1?arch=amd64&distro=debian-12')
  })

  it('names Node as vulnerability databases do', () => {
    expect(byName('node')).toMatchObject({ cpe: 'cpe:2.3:a:nodejs:node.js:24.1.0:*:*:*:*:*:*:*' })
  })

  it('is the same for the same contents', () => {
    expect(JSON.stringify(sbom(contents))).toBe(JSON.stringify(document))
  })
})
