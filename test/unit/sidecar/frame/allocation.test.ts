import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'

let bytesPerCall: Record<string, number> = {}

beforeAll(() => {
  const probe = fileURLToPath(new URL('allocation-probe.ts', import.meta.url))
  bytesPerCall = JSON.parse(execFileSync(process.execPath, ['--expose-gc', probe], { encoding: 'utf8' }))
}, 60_000)

describe('heap bytes per call of the hot functions', () => {
  it('are seen by the measure, given a function that makes one small object', () => {
    expect(bytesPerCall['control']).toBeGreaterThanOrEqual(12)
  })

  it.each(['segment', 'flow', 'repair', 'vectors', 'vlan', 'pipeline', 'batch', 'infer'])('are none for %s', (name) => {
    expect(bytesPerCall[name]).toBeLessThan(4)
  })
})
