/**
 * Makes the image of injector and sidecar without a container engine: for this machine's architecture from its Node and
 * libraries, for another from what is fetched for it.
 * Usage: node image/main.ts [--arch amd64|arm64|all] [--root FOLDER] [--archive FILE] [--name NAME] [--sbom FILE]
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { version } from '../contract/version.ts'
import { run } from '../lab/network/command.ts'
import { type Architecture, architecturesOf, ownArchitecture } from './architectures.ts'
import { barsMb, imageConfig } from './description.ts'
import { foreignOrigin } from './foreign.ts'
import { type ImageContents, imageContents } from './layers.ts'
import { type Image, imagesArchive, layerOf } from './oci.ts'
import { bytesByPart, overBars, sizesOf } from './sizes.ts'
import { writeRoot } from './write.ts'

const checkout = fileURLToPath(new URL('..', import.meta.url))
const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1).padStart(7)} MB`

const { values } = parseArgs({
  options: {
    arch: { type: 'string' },
    /** Where the image's files go, for a Containerfile to copy. */
    root: { type: 'string' },
    /** An OCI archive, for `ctr images import`, `podman load` or `skopeo copy oci-archive:...`. */
    archive: { type: 'string' },
    name: { type: 'string', default: `localhost/vxtap:${version}` },
    /** A CycloneDX document of what is in it. */
    sbom: { type: 'string' },
  },
})
if (values.root === undefined && values.archive === undefined && values.sbom === undefined) {
  giveUp('image/main.ts makes nothing unless asked for: --root FOLDER, --archive FILE, --sbom FILE')
}
let architectures: Architecture[] = []
try {
  architectures = architecturesOf(values.arch)
} catch (error) {
  giveUp(error instanceof Error ? error.message : String(error))
}
const several = architectures.length > 1
if (several && values.root !== undefined) giveUp('--root takes one image: name one architecture with it')

await run([process.execPath, join(checkout, 'scripts/bundle.ts')], { timeoutMs: 120_000 })
const images: Image[] = []
for (const architecture of architectures) {
  if (several) process.stdout.write(`${architecture}\n`)
  const contents = await contentsFor(architecture)
  const entries = [...contents.runtime, ...contents.application]
  if (values.root !== undefined) writeRoot(values.root, entries)
  if (values.sbom !== undefined) write(several ? withName(values.sbom, architecture) : values.sbom, contents.inventory)
  for (const [part, bytes] of bytesByPart(entries)) say(bytes, part)
  if (values.archive !== undefined) images.push(measured(contents))
}
if (values.archive !== undefined) write(values.archive, imagesArchive(values.name, images, imageConfig))

async function contentsFor(architecture: Architecture): Promise<ImageContents> {
  if (architecture === ownArchitecture()) return imageContents(checkout)
  // In build/, so that what an interrupt leaves is where `make clean` and the next run remove it.
  const work = join(checkout, 'build', `fetched-${architecture}`)
  rmSync(work, { recursive: true, force: true })
  mkdirSync(work, { recursive: true })
  try {
    return await imageContents(checkout, await foreignOrigin(checkout, architecture, work))
  } finally {
    rmSync(work, { recursive: true })
  }
}

function measured({ architecture, runtime, application }: ImageContents): Image {
  const layers = [layerOf(runtime), layerOf(application)]
  const sizes = sizesOf(layers)
  say(sizes.unpacked, `unpacked, of ${barsMb.unpacked} at most`)
  say(sizes.compressed, `compressed, of ${barsMb.compressed} at most`)
  for (const name of overBars(sizes)) {
    process.stderr.write(`the ${architecture} image is over ${barsMb[name]} MB ${name}: see what takes it above\n`)
    process.exitCode = 1
  }
  return { architecture, layers }
}

/** build/vxtap.cdx.json -> build/vxtap-arm64.cdx.json */
function withName(file: string, architecture: Architecture): string {
  const ending = /(\.cdx)?\.[^./]+$/.exec(file)?.[0] ?? ''
  return `${file.slice(0, file.length - ending.length)}-${architecture}${ending}`
}

function write(file: string, content: Buffer): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
}

function say(bytes: number, what: string): void {
  process.stdout.write(`${mb(bytes)}  ${what}\n`)
}

function giveUp(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(2)
}
