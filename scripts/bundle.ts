/**
 * Bundles every program into dist/: one entry, one chunk a command, so that the sidecar loads only its own code.
 * Native packages stay outside the bundle: koffi finds its prebuilt library beside itself, cap and raw-socket are
 * optional. Usage: node scripts/bundle.ts
 */
import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const out = join(root, 'dist')

rmSync(out, { recursive: true, force: true })
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: { vxtap: 'cli/main.ts' },
  outdir: out,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.19',
  // Names stay, for whoever reads a stack; keeping them beside short ones (keepNames) costs a call for each closure made.
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: false,
  metafile: true,
  legalComments: 'none',
  external: ['koffi', 'cap', 'raw-socket'],
  outExtension: { '.js': '.mjs' },
  // CommonJS packages inside an ES module bundle still ask for `require`.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
})

// What of node_modules is in the bundle: the image's inventory and its licences come from here.
const inputs = Object.values(metafile.outputs).flatMap((output) => Object.keys(output.inputs))
const packages = new Set(inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []))
writeFileSync(join(out, 'packages.json'), `${JSON.stringify([...packages].sort(), undefined, 2)}\n`)

for (const name of readdirSync(out).sort()) {
  process.stdout.write(`${String(Math.round(statSync(join(out, name)).size / 1024)).padStart(6)} KiB  dist/${name}\n`)
}
