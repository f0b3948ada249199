/** What the image is made of, before anything is packed, and what the Containerfile says of it. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { barsMb, imageConfig } from '../../../image/description.ts'
import { type ImageContents, imageContents } from '../../../image/layers.ts'
import { bytesByPart, overBars } from '../../../image/sizes.ts'
import type { TarEntry } from '../../../image/tar.ts'

const checkout = fileURLToPath(new URL('../../..', import.meta.url))

describe("given this machine's Node and libraries", () => {
  let contents: ImageContents
  let entries: TarEntry[]
  beforeAll(async () => {
    execFileSync(process.execPath, [join(checkout, 'scripts/bundle.ts')])
    contents = await imageContents(checkout)
    entries = [...contents.runtime, ...contents.application]
  })

  it('then everybody may read every file, nobody but its owner may write it, and each is there once', () => {
    const files = entries.flatMap((entry) => (entry.kind === 'file' ? [entry] : []))
    expect(files.filter(({ mode = 0o644 }) => mode !== 0o644 && mode !== 0o755)).toEqual([])
    const paths = files.map(({ path }) => path)
    expect(new Set(paths).size).toBe(paths.length)
  })

  it('then every folder comes before what is in it', () => {
    const seen = new Set(['.'])
    const early = [...contents.runtime].filter(({ path, kind }) => {
      if (kind === 'folder') seen.add(path)
      return !seen.has(join(path, '..'))
    })
    expect(early).toEqual([])
  })

  it('then the inventory in it lists every dependency that is not for development, and what the optional engine needs is not in it', () => {
    const { components } = JSON.parse(contents.inventory.toString())
    const names = components.map(({ name }: { name: string }) => name)
    const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'))
    expect(names).toEqual(expect.arrayContaining(['node', 'libpcap0.8', 'libc6', ...Object.keys(dependencies)]))
    for (const optional of Object.keys(optionalDependencies)) expect(names).not.toContain(optional)
    const inImage = contents.application.find(({ path }) => path === 'app/sbom.cdx.json')
    expect(inImage).toMatchObject({ content: contents.inventory })
  })

  it('then Node takes most of it, and all of it is within the bar', () => {
    const parts = bytesByPart(entries)
    expect(parts[0]?.[0]).toBe('Node')
    const bytes = parts.reduce((sum, [, size]) => sum + size, 0)
    expect(overBars({ compressed: 0, unpacked: bytes })).toEqual([])
  })
})

describe('the bars', () => {
  it('name what is over them', () => {
    const at = { compressed: barsMb.compressed * 1e6, unpacked: barsMb.unpacked * 1e6 }
    expect(overBars(at)).toEqual([])
    expect(overBars({ ...at, compressed: at.compressed + 1 })).toEqual(['compressed'])
    expect(overBars({ compressed: at.compressed + 1, unpacked: at.unpacked + 1 })).toEqual(['compressed', 'unpacked'])
  })
})

describe('the Containerfile', () => {
  const lines = readFileSync(join(checkout, 'Containerfile'), 'utf8').replaceAll('\\\n', '').split('\n')
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')))
  const values = (instruction: string) =>
    last.filter((line) => line.startsWith(`${instruction} `)).map((line) => line.slice(instruction.length + 1))

  it('starts from nothing unless told otherwise, and names no registry', () => {
    expect(last[0]).toBe(`FROM \${BASE}`)
    expect(lines).toContain('ARG BASE=scratch')
    expect(lines.filter((line) => /^(ARG|FROM) .*[a-z0-9-]\.[a-z]{2,}\//.test(line))).toEqual([])
  })

  it('gives the image the user, the entry point and the labels that the archive has', () => {
    expect(values('USER')).toEqual([imageConfig.user])
    expect(values('ENTRYPOINT').map((text) => JSON.parse(text))).toEqual([imageConfig.entrypoint])
    const labels = values('LABEL').flatMap((text) => [...text.matchAll(/([\w.]+)="([^"]*)"/g)])
    expect(Object.fromEntries(labels.map(([, name, value]) => [name, value]))).toEqual(imageConfig.labels)
  })

  it('makes the root by the same program as make image', () => {
    expect(lines).toContain('RUN node image/main.ts --root /out')
  })
})
