import { fileURLToPath, pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { Counters } from '../../../sidecar/counters.ts'
import { answerOf } from '../../support/own-process.ts'

const counters = pathToFileURL(fileURLToPath(new URL('../../../sidecar/counters.ts', import.meta.url))).href

/** Counts as the packet path does, compiled, and past what fits a 32-bit integer. Prints V8's states of the function. */
const program = `
  import { Counters } from '${counters}'
  const counters = new Counters()
  function count(length) {
    counters.capturedBytes += length
    counters.dropped.no_sensor++
  }
  const times = (n) => { for (let i = 0; i < n; i++) count(1500) }
  %PrepareFunctionForOptimization(count);
  times(10);
  %OptimizeFunctionOnNextCall(count);
  times(10);
  const compiled = %GetOptimizationStatus(count)
  counters.capturedBytes = counters.dropped.no_sensor = 2 ** 31 - 10
  times(20)
  const later = %GetOptimizationStatus(count)
  console.log(JSON.stringify({ compiled, later, bytes: counters.capturedBytes, frames: counters.dropped.no_sensor }))
`
/** Of a function's state: OptimizationStatus::kOptimized in V8's src/runtime/runtime.h. */
const optimized = 1 << 4

describe('given counters', () => {
  it('when they are new, then they are zero', () => {
    const { capturedFrames, capturedBytes, sentFrames, dropped } = new Counters()
    expect([capturedFrames, capturedBytes, sentFrames, ...Object.values(dropped)].every((n) => Object.is(n, 0))).toBe(
      true,
    )
  })

  it('when they outgrow 32 bits, then no compiled code is thrown away', () => {
    const { compiled, later, bytes, frames } = answerOf(program, '--allow-natives-syntax')
    expect(compiled & optimized).toBe(optimized)
    expect(later & optimized).toBe(optimized)
    expect([bytes, frames]).toEqual([2 ** 31 - 10 + 20 * 1500, 2 ** 31 + 10])
  })
})
