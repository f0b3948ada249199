import { setTimeout } from 'node:timers/promises'

const lookEveryMs = 50

/**
 * Looks again and again until the answer is neither false nor undefined.
 * @throws Error naming what was waited for, after `timeoutMs`
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | false | undefined> | T | false | undefined,
  timeoutMs = 30_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs
  let last: unknown
  while (Date.now() < deadline) {
    try {
      const found = await look()
      if (found !== false && found !== undefined) return found
      last = found
    } catch (error) {
      last = error
    }
    await setTimeout(lookEveryMs)
  }
  throw new Error(`waited ${timeoutMs} ms in vain for ${what}; the last look gave ${String(last)}`)
}
