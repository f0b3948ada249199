/**
 * Makes the image of injector and sidecar without a container engine, from this machine's Node and libraries.
 * Usage: node image/main.ts [--root FOLDER] [--archive FILE] [--name NAME] [--sbom FILE]
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { version } from '../contract/version.ts'
import { run } from '../lab/network/command.ts'
import { barsMb, imageConfig } from './description.ts'
import { type ImageContents, imageContents } from './layers.ts'
import { imageArchive, layerOf } from './oci.ts'
import { bytesByPart, overBars, sizesOf } from './sizes.ts'
import { writeRoot } from './write.ts'

const checkout = fileURLToPath(new URL('..', import.meta.url))
const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1).padStart(7)} MB`

const { values } = parseArgs({
  options: {
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
  process.stderr.write('image/main.ts makes nothing unless asked for: --root FOLDER, --archive FILE, --sbom FILE\n')
  process.exit(2)
}

await run([process.execPath, join(checkout, 'scripts/bundle.ts')], { timeoutMs: 120_000 })
const contents = await imageContents(checkout)
if (values.root !== undefined) writeRoot(values.root, [...contents.runtime, ...contents.application])
if (values.sbom !== undefined) write(values.sbom, contents.inventory)
for (const [part, bytes] of bytesByPart([...contents.runtime, ...contents.application])) say(bytes, part)
if (values.archive !== undefined) archive(values.archive, contents)

function archive(file: string, { runtime, application }: ImageContents): void {
  const layers = [layerOf(runtime), layerOf(application)]
  write(file, imageArchive(values.name, layers, imageConfig))
  const sizes = sizesOf(layers)
  say(sizes.unpacked, `unpacked, of ${barsMb.unpacked} at most`)
  say(sizes.compressed, `compressed, of ${barsMb.compressed} at most`)
  for (const name of overBars(sizes)) {
    process.stderr.write(`the image is over ${barsMb[name]} MB ${name}: see what takes it above\n`)
    process.exitCode = 1
  }
}

function write(file: string, content: Buffer): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
}

function say(bytes: number, what: string): void {
  process.stdout.write(`${mb(bytes)}  ${what}\n`)
}
