/** The archives of all images of the cluster's nodes; what changes seldom is kept in the cache. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { imageConfig } from '../../../image/description.ts'
import { imageContents } from '../../../image/layers.ts'
import { imageArchive, type Layer, layerOf } from '../../../image/oci.ts'
import { type ImageSizes, sizesOf } from '../../../image/sizes.ts'
import type { TarEntry } from '../../../image/tar.ts'
import { run } from '../../../lab/network/command.ts'
import { cached } from '../programs/cache.ts'
import { coredns } from '../versions.ts'
import { corednsImage, pauseImage, vxtapImage } from './names.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const source = fileURLToPath(new URL('pause.c', import.meta.url))

export interface Archives {
  readonly files: readonly string[]
  readonly vxtap: ImageSizes
}

/** Bundles the checkout as it is, and writes every archive that is not there yet. */
export async function makeArchives(folder: string, corednsFolder: string): Promise<Archives> {
  mkdirSync(folder, { recursive: true })
  await run([process.execPath, join(root, 'scripts/bundle.ts')], { timeoutMs: 120_000 })
  const contents = await imageContents(root)
  const layers = [await cachedLayer(contents.runtime), layerOf(contents.application)]
  const vxtap = join(folder, 'vxtap.tar')
  writeFileSync(vxtap, imageArchive(vxtapImage, layers, imageConfig))
  return { files: [await pauseArchive(), await corednsArchive(corednsFolder), vxtap], vxtap: sizesOf(layers) }
}

/** Packing Node takes ten seconds: once for each Node and each set of libraries. */
async function cachedLayer(entries: readonly TarEntry[]): Promise<Layer> {
  const hash = createHash('sha256')
  for (const entry of entries) {
    const { content, ...rest } = { content: '', ...entry }
    hash.update(JSON.stringify(rest)).update(content)
  }
  const folder = await cached(`image-layer-${hash.digest('hex').slice(0, 16)}`, async (partial) => {
    const { compressed, ...rest } = layerOf(entries)
    writeFileSync(join(partial, 'layer.tar.gz'), compressed)
    writeFileSync(join(partial, 'layer.json'), JSON.stringify(rest))
  })
  return {
    compressed: readFileSync(join(folder, 'layer.tar.gz')),
    ...JSON.parse(readFileSync(join(folder, 'layer.json'), 'utf8')),
  }
}

/** An image of one static program. */
const singleProgram = (name: string, program: string): Buffer =>
  imageArchive(name, [layerOf([{ path: 'program', kind: 'file', content: readFileSync(program), mode: 0o755 }])], {
    entrypoint: ['/program'],
  })

async function pauseArchive(): Promise<string> {
  const version = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 16)
  const folder = await cached(`image-pause-${version}`, async (partial) => {
    const program = join(partial, 'pause')
    await run(['gcc', '-Os', '-static', '-s', '-o', program, source], { timeoutMs: 60_000 })
    writeFileSync(join(partial, 'pause.tar'), singleProgram(pauseImage, program))
  })
  return join(folder, 'pause.tar')
}

async function corednsArchive(corednsFolder: string): Promise<string> {
  const folder = await cached(`image-coredns-${coredns}`, async (partial) => {
    const program = join(corednsFolder, 'coredns')
    if (!existsSync(program)) throw new Error(`${program} is missing: remove ${corednsFolder}, and it is built anew`)
    writeFileSync(join(partial, 'coredns.tar'), singleProgram(corednsImage, program))
  })
  return join(folder, 'coredns.tar')
}
