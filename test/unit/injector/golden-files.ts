/**
 * Cases in folders: test/golden/injector/<case>/{given,request,response}.json. `UPDATE_GOLDEN=1` writes the responses anew;
 * what changed is then seen in the diff.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Json } from '../../../injector/json.ts'

const root = fileURLToPath(new URL('../../golden/injector', import.meta.url))
const files = ['given.json', 'request.json', 'response.json']

export const goldenCases = (): string[] =>
  readdirSync(root).filter((name) => existsSync(join(root, name, 'request.json')))

export const readJson = (name: string, file: string): Json =>
  JSON.parse(readFileSync(join(root, name, file), 'utf8')) as Json

/** The answer that is expected: the one on disk, which is this one where goldens are being updated. */
export function settle(name: string, answer: Json): Json {
  if (process.env['UPDATE_GOLDEN'] === '1') {
    writeFileSync(join(root, name, 'response.json'), `${JSON.stringify(answer, undefined, 2)}\n`)
  }
  return readJson(name, 'response.json')
}

/** Whatever no test reads: folders without a request, files of other names. */
export function staleFiles(): string[] {
  return readdirSync(root, { withFileTypes: true }).flatMap((entry) => {
    if (!entry.isDirectory()) return [entry.name]
    const found = readdirSync(join(root, entry.name))
    const missing = files.filter((file) => !found.includes(file)).map((file) => `${entry.name}/${file} is missing`)
    return [...missing, ...found.filter((file) => !files.includes(file)).map((file) => `${entry.name}/${file}`)]
  })
}
