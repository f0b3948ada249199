/**
 * Keeps the documentation's reference parts equal to the tables in contract/ and to the real command line.
 * Usage: node scripts/docs.ts [--write]   (without --write: only checks, exits 1 where something is out of date)
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { firstDifference } from './docs/difference.ts'
import { fillParts, partNames } from './docs/markers.ts'
import { generatedFiles, generatedParts, wholeFiles } from './docs/parts.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const write = process.argv.includes('--write')
const parts = await generatedParts()
const stale: string[] = []

for (const file of generatedFiles) {
  const before = readFileSync(join(root, file), 'utf8')
  replace(file, before, fillParts(before, parts), ` (${partNames(before).join(', ')})`)
}
for (const [file, text] of wholeFiles()) {
  const path = join(root, file)
  replace(file, existsSync(path) ? readFileSync(path, 'utf8') : '', text, '')
}

function replace(file: string, before: string, after: string, which: string): void {
  if (after === before) return
  if (write) {
    writeFileSync(join(root, file), after)
    process.stdout.write(`written: ${file}${which}\n`)
  } else {
    stale.push(`${file} is not what its tables say.\n${firstDifference(before, after)}`)
  }
}

if (stale.length > 0) {
  process.stderr.write(`${stale.join('\n\n')}\n\nRun \`make docs\` and commit the result.\n`)
  process.exitCode = 1
}
