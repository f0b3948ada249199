/** Giving back what starting up took. */
import { releaseProgramText } from './linux/release-text.ts'

/** By then everything has run once, discovery and a first slice of packets included. */
const settledMs = 2_000
/** Traffic that begins, or changes, is compiled anew: the compiler's text comes with it, the more rarely the older we are. */
const longestWaitMs = 60_000

/**
 * Gives program text back when it has settled, and again each time after as long as it has run: what is in use must be
 * mapped anew each time, in some ten milliseconds. @returns stops it
 */
export function releaseTextAgainAndAgain(): () => void {
  const start = performance.now()
  let timer: NodeJS.Timeout
  const wait = () => {
    const age = performance.now() - start
    timer = setTimeout(release, Math.min(longestWaitMs, Math.max(settledMs, age)))
  }
  const release = () => {
    releaseProgramText()
    wait()
  }
  wait()
  return () => clearTimeout(timer)
}
