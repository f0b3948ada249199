/** Giving back what starting up took, before packets have to wait for it. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { ProgramText } from './linux/release-text.ts'

/** By then everything has run once, discovery and a first slice of packets included. */
const settledMs = 2_000
/** Traffic that begins, or changes, is compiled anew: the compiler's text comes and goes with it. */
const longestUnsettledMs = 64_000

/**
 * Collects the garbage of starting up. V8 would do so by itself, some seconds into traffic, and mark on threads of its own
 * that the packets then wait for: four milliseconds at a time where there is one core.
 */
export function collectGarbage(): void {
  // Node has no other way to ask for it than a flag, which contexts made later obey.
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}

/** Gives program text back when it has settled, and then after twice the time, as compiling gets rarer. @returns stops it */
export function releaseTextAgainAndAgain(): () => void {
  const text = new ProgramText()
  let timer: NodeJS.Timeout
  const release = (afterMs: number) => {
    timer = setTimeout(() => {
      text.release()
      release(Math.min(2 * afterMs, longestUnsettledMs))
    }, afterMs)
  }
  release(settledMs)
  return () => clearTimeout(timer)
}
