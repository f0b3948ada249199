/**
 * The injector's log. Lines are written beside the answers, those of many at once where there are many, and what is left
 * when the process exits. A reader that stalls keeps no pod waiting: what it would make us keep beyond a bound is dropped,
 * and how much that was is said as soon as it reads again.
 */
import { type Logger, pino } from 'pino'

/** Bytes that wait to be written. */
const mostUnwritten = 8 * 1024 * 1024
const standardOutput = 1

/** @param where a file descriptor or a path */
export function openLog(level: string, where: number | string = standardOutput, most: number = mostUnwritten): Logger {
  const destination = pino.destination({ dest: where, sync: false, maxLength: most })
  const log = pino({ name: 'vxtap-injector', level }, destination)
  let lines = 0
  destination.on('drop', () => {
    lines++
  })
  destination.on('drain', () => {
    if (lines === 0) return
    const dropped = lines
    lines = 0
    log.warn({ lines: dropped }, 'log lines were dropped, because they were not read')
  })
  return log
}
