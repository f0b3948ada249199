import { execFileSync } from 'node:child_process'
import { createReadStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openLog } from '../../../injector/log.ts'

const bound = 5000

describe('given that nobody reads the log', () => {
  let folder: string
  let pipe: string

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'vxtap-log-'))
    pipe = join(folder, 'pipe')
    execFileSync('mkfifo', [pipe])
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('when more lines come than are kept, then the rest is dropped, and a line says how many once somebody reads', async () => {
    const log = openLog('info', pipe, bound)
    for (let number = 0; number < 500; number++) log.info({ number }, 'a line')
    const read: { number?: number; lines?: number; msg: string }[] = []
    for await (const line of createInterface(createReadStream(pipe))) {
      read.push(JSON.parse(line))
      if (read.at(-1)?.lines !== undefined) break
    }
    const kept = read.flatMap(({ number }) => number ?? [])
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, number) => number))
    expect(kept.length).toBeGreaterThan(10)
    expect(read.at(-1)).toMatchObject({ lines: 500 - kept.length, msg: expect.stringContaining('dropped') })
  })
})
