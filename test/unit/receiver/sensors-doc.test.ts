import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { faults } from '../../../receiver/faults.ts'

const page = readFileSync(new URL('../../../docs/sensors.md', import.meta.url), 'utf8')

describe('docs/sensors.md', () => {
  it('lists every fault with its sentence, and no other', () => {
    const section = page.slice(page.indexOf('\n### Faults\n'))
    const rows = [...section.matchAll(/^\| `([a-z0-9_]+)` \| (.+) \|$/gm)].map(([, code, sentence]) => [code, sentence])
    expect(rows).toEqual(Object.entries(faults))
  })
})
