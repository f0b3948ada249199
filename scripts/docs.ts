/**
 * Keeps the documentation's reference parts equal to the tables in contract/ and to the real command line.
 * Usage: node scripts/docs.ts [--write]   (without --write: only checks, exits 1 where something is out of date)
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { firstDifference } from './docs/difference.ts'
import { fillParts, partNames } from './docs/markers.ts'
import { generatedFiles, generatedParts } from './docs/parts.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const write = process.argv.includes('--write')
const parts = await generatedParts()
const stale: string[] = []

for (const file of generatedFiles) {
  const path = join(root, file)
  const before = readFileSync(path, 'utf8')
  const after = fillParts(before, parts)
  if (after === before) continue
  if (write) {
    writeFileSync(path, after)
    process.stdout.write(`written: ${file} (${partNames(before).join(', ')})\n`)
  } else {
    stale.push(`${file} is not what its tables say.\n${firstDifference(before, after)}`)
  }
}

if (stale.length > 0) {
  process.stderr.write(`${stale.join('\n\n')}\n\nRun \`make docs\` and commit the result.\n`)
  process.exitCode = 1
}
