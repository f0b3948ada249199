import { describe, expect, it } from 'vitest'
import { v8Flags } from '../../../sidecar/v8-flags.ts'
import { answerOf, runModule } from '../../support/own-process.ts'

const module = new URL('../../../sidecar/v8-flags.ts', import.meta.url).href
const set = `import { setV8Flags } from '${module}'; setV8Flags();`

describe('given the flags of V8 that a sidecar sets', () => {
  it('when they are set, then V8 knows each of them, and says nothing', () => {
    expect(Object.keys(v8Flags)).not.toEqual([])
    expect(runModule(set)).toEqual({ status: 0, stdout: '', stderr: '' })
  })

  it('when V8 does not know one, then it says so, and the process goes on', () => {
    const { status, stderr } = runModule(
      "import { setFlagsFromString } from 'node:v8'; setFlagsFromString('--no-such-flag-of-v8=1')",
    )
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringContaining('no-such-flag-of-v8') })
  })

  it('when much is allocated, then the young generation stays small, which grows to many times as much otherwise', () => {
    const grown = (before: string): number =>
      answerOf(`
        import { getHeapSpaceStatistics } from 'node:v8'
        ${before}
        let kept = []
        for (let i = 0; i < 1e6; i++) {
          kept.push({ i })
          if (kept.length > 20_000) kept = []
        }
        console.log(getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size)
      `)
    const small = grown(set)
    expect(small).toBeLessThan(8 << 20)
    expect(grown('')).toBeGreaterThan(2 * small)
  })

  it('when a function calls many others, then more of them become part of it', () => {
    const inlined = (before: string): number =>
      runModule(
        `
        ${before}
        // Each too large to be inlined whatever the budget, and all together larger than V8's own.
        const body = Array.from({ length: 12 }, (_, j) => 'x = (x * ' + (j + 3) + ') ^ (x >>> ' + (j + 1) + ')').join(';')
        const names = Array.from({ length: 40 }, (_, i) => 'f' + i)
        const all = new Function(
          names.map((name) => 'function ' + name + '(x) {' + body + '; return x }').join('\\n') +
            '; return function all(x) {' + names.map((name) => 'x = ' + name + '(x)').join(';') + '; return x }',
        )()
        let x = 1
        for (let i = 0; i < 2e5; i++) x = all(x)
      `,
        '--trace-turbo-inlining',
        '--no-use-osr',
        '--no-concurrent-recompilation',
      ).stdout.match(/^Inlining .*\bf\d+\b/gm)?.length ?? 0
    expect(inlined(set)).toBeGreaterThan(inlined(''))
  })
})
