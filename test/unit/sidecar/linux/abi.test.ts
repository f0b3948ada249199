/** abi.ts before the judge: a C++ compiler with the headers of the kernel and of the C library. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import * as abi from '../../../../sidecar/linux/abi.ts'
import { abiAssertions } from '../../../support/abi-assertions.ts'

function compile(source: string): { readonly ok: boolean; readonly said: string } {
  const { status, stderr } = spawnSync('g++', ['-std=c++17', '-fsyntax-only', '-x', 'c++', '-'], {
    input: source,
    encoding: 'utf8',
  })
  return { ok: status === 0, said: stderr }
}

describe("the kernel's constants and layouts", () => {
  const { preamble, assertions } = abiAssertions()

  it("are those of this machine's headers", () => {
    expect(compile([preamble, ...assertions].join('\n'))).toEqual({ ok: true, said: '' })
  })

  it('given another number, then the compiler says which', () => {
    const wrong = assertions.map((line) => line.replace('same(SO_MARK, 36UL)', 'same(SO_MARK, 37UL)'))
    const { ok, said } = compile([preamble, ...wrong].join('\n'))
    expect(ok).toBe(false)
    expect(said.match(/static assertion failed: \w+/g)).toEqual(['static assertion failed: SO_MARK'])
  })

  it('are each declared below a comment that names the header', () => {
    const source = readFileSync(new URL('../../../../sidecar/linux/abi.ts', import.meta.url), 'utf8')
    const groups = source.split(/\n\n/).filter((group) => /^export const /m.test(group))
    expect(groups.filter((group) => !/^\/\*\*[\s\S]*?\b[\w/-]+\.h\b[\s\S]*?\*\/\nexport const /.test(group))).toEqual(
      [],
    )
    const declared = [...source.matchAll(/^export const (\w+)/gm)].map(([, name]) => name)
    expect(declared.sort()).toEqual(Object.keys(abi).sort())
  })
})
