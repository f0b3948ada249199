/** An image for another architecture: which there are, and what its programs load, worked out without running them. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { architectures, architecturesOf, ownArchitecture } from '../../../image/architectures.ts'
import { packagesWith, unpackDebian } from '../../../image/debian.ts'
import { librariesUnder } from '../../../image/foreign.ts'
import { fileIn } from '../../../image/libraries.ts'
import { thisMachine } from '../../../image/origin.ts'
import { lockedPackage, prebuiltKoffi } from '../../../image/packages.ts'
import { run } from '../../../lab/network/command.ts'

const checkout = fileURLToPath(new URL('../../..', import.meta.url))

describe('the architecture asked for', () => {
  it('given none, then is that of the machine', () => {
    expect(architecturesOf(undefined, 'arm64')).toEqual(['arm64'])
    expect(architecturesOf('', 'amd64')).toEqual(['amd64'])
  })

  it('given one or all, then is that', () => {
    expect(architecturesOf('arm64', 'amd64')).toEqual(['arm64'])
    expect(architecturesOf('all', 'amd64')).toEqual(['amd64', 'arm64'])
  })

  it('given another, then says what there is', () => {
    expect(() => architecturesOf('riscv64', 'amd64')).toThrow('ARCH is "riscv64": it may be amd64, arm64, all')
    expect(() => ownArchitecture('ppc64')).toThrow('this machine is ppc64')
  })

  it('then each of them has a prebuilt koffi in package-lock.json, with the digest that the fetched one is held to', () => {
    for (const architecture of ['amd64', 'arm64'] as const) {
      const name = `@koromix/koffi-linux-${architectures[architecture].node}`
      const locked = lockedPackage(checkout, prebuiltKoffi(architecture))
      expect(locked).toMatchObject({ name, integrity: expect.stringMatching(/^sha512-/) })
    }
  })
})

describe('the libraries of a program that cannot be run', () => {
  it('are those that the dynamic linker itself would load', async () => {
    const { architecture, node, koffi, libraries } = await thisMachine(checkout)
    const read = await librariesUnder('/', architecture, [
      node,
      join(koffi, `linux_${architectures[architecture].node}/koffi.node`),
    ])
    expect(read).toEqual([...libraries].sort((one, other) => (one.to < other.to ? -1 : 1)))
  })
})

describe("given packages of Debian's kind", () => {
  let work: string
  const root = () => join(work, 'root')
  const packageFile = () => join(work, 'libexample1.deb')

  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'vxtap-deb-'))
    const tree = join(work, 'tree')
    for (const folder of ['DEBIAN', 'lib64', 'lib/other', 'usr/lib/other'])
      mkdirSync(join(tree, folder), { recursive: true })
    const control = [
      'Package: libexample1',
      'Source: example',
      'Version: 1:2.0-1',
      'Architecture: arm64',
      'Maintainer: nobody',
      'Description: none',
      '',
    ]
    writeFileSync(join(tree, 'DEBIAN/control'), control.join('\n'))
    writeFileSync(join(tree, 'lib/other/libexample.so.1.2'), 'library')
    symlinkSync('libexample.so.1.2', join(tree, 'lib/other/libexample.so.1'))
    writeFileSync(join(tree, 'usr/lib/other/libsecond.so.1'), 'second')
    symlinkSync('/lib/other/libexample.so.1', join(tree, 'lib64/loader.so'))
    await run(['dpkg-deb', '--build', '--root-owner-group', tree, packageFile()])
    await unpackDebian([packageFile()], root())
  })
  afterAll(() => rmSync(work, { recursive: true }))

  it('then they lie in /usr as on an installed Debian, and links lead to files of theirs and not of the machine', () => {
    const example = join(root(), 'usr/lib/other/libexample.so.1.2')
    expect(fileIn(root(), '/usr/lib/other/libexample.so.1')).toBe(example)
    expect(fileIn(root(), '/lib64/loader.so')).toBe(join(root(), 'lib/other/libexample.so.1.2'))
    expect(fileIn(root(), '/usr/lib/other/libsecond.so.1')).toBe(join(root(), 'usr/lib/other/libsecond.so.1'))
  })

  it('then a library leads to the package that brought it, with its source', async () => {
    const at = (from: string) => ({ from, to: `/usr${from}` })
    const example = { name: 'libexample1', version: '1:2.0-1', architecture: 'arm64', source: 'example' }
    expect(await packagesWith([packageFile()], [at('/lib/other/libexample.so.1')])).toEqual([example])
    expect(await packagesWith([packageFile()], [at('/lib/other/libsecond.so.1')])).toEqual([example])
    expect(await packagesWith([packageFile()], [at('/lib/other/libthird.so.1')])).toEqual([])
  })
})
