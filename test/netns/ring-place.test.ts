import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'

interface Held {
  readonly residentKb: number
  readonly mappings: number
  readonly descriptors: number
}

let found: { readonly obstacle?: string; readonly before: Held; readonly after: Held }

beforeAll(() => {
  const program = fileURLToPath(new URL('../support/netns-ring-leaks.ts', import.meta.url))
  found = JSON.parse(execFileSync(process.execPath, ['--expose-gc', program], { encoding: 'utf8' }))
}, 120_000)

describe("the ring's place, opened and closed two hundred times, then reserved and given up a thousand times", () => {
  it('was over the pages of a WebAssembly memory', () => {
    expect(found.obstacle).toBeUndefined()
  })

  it('leaves no mapping and no descriptor behind', () => {
    expect(found.after.mappings).toBeLessThan(found.before.mappings + 20)
    expect(found.after.descriptors).toBe(found.before.descriptors)
  })

  it('leaves no memory behind', () => {
    expect(found.after.residentKb).toBeLessThan(found.before.residentKb + 8 * 1024)
  })
})
