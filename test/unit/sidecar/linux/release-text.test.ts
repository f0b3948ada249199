import { describe, expect, it } from 'vitest'
import { cleanFileMappings } from '../../../../sidecar/linux/release-text.ts'
import { answerOf } from '../../../support/own-process.ts'

const entry = (
  range: string,
  permissions: string,
  inode: number,
  path: string,
  anonymous: number,
  dirty = anonymous,
  swapped = 0,
) =>
  `${range} ${permissions} 00001000 fe:00 ${inode}                     ${path}\nSize:  8 kB\nRss:  8 kB\nPrivate_Dirty:       ${dirty} kB\nAnonymous:           ${anonymous} kB\nSwap:                ${swapped} kB\nVmFlags: rd ex\n`

describe('given the mappings of a process', () => {
  it('when they are clean text or constants of a file, then they may be given back', () => {
    const smaps =
      entry('55d000-55f000', 'r-xp', 4711, '/usr/bin/node', 0) +
      entry('400000-401000', 'r--p', 4711, '/usr/bin/node', 0)
    expect(cleanFileMappings(smaps)).toEqual([
      { start: 0x55d000, length: 0x2000, path: '/usr/bin/node' },
      { start: 0x400000, length: 0x1000, path: '/usr/bin/node' },
    ])
  })

  it.each([
    ['relocated constants (RELRO)', entry('55d000-55f000', 'r--p', 4711, '/usr/bin/node', 8)],
    ['text with a page that was written', entry('55d000-55f000', 'r-xp', 4711, '/usr/bin/node', 0, 4)],
    ['constants that are swapped out', entry('55d000-55f000', 'r--p', 4711, '/usr/bin/node', 0, 0, 8)],
    ['writable data', entry('55d000-55f000', 'rw-p', 4711, '/usr/bin/node', 0)],
    ['memory without a file', entry('55d000-55f000', 'r-xp', 0, '', 0)],
    ['the heap', entry('55d000-55f000', 'rw-p', 0, '[heap]', 0)],
    ['the vdso', entry('55d000-55f000', 'r-xp', 0, '[vdso]', 0)],
    ['a shared mapping', entry('55d000-55f000', 'r--s', 4711, '/var/shared', 0)],
    ['code that a compiler made at run time', entry('55d000-55f000', 'rwxp', 0, '', 0)],
  ])('when it is %s, then it is left alone', (_, smaps) => {
    expect(cleanFileMappings(smaps)).toEqual([])
  })
})

const module = new URL('../../../../sidecar/linux/release-text.ts', import.meta.url).href

/** Gives text back, uses some of what went, and gives it back again. Prints kB of resident file pages. */
const program = `
  import { readFileSync } from 'node:fs'
  import { releaseProgramText } from '${module}'
  const resident = () => Number(/^RssFile:\\s+(\\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))[1])
  const start = resident()
  releaseProgramText()
  const first = resident()
  new Intl.DateTimeFormat('de', { dateStyle: 'full' }).format(0)
  const used = resident()
  releaseProgramText()
  console.log(JSON.stringify({ start, first, used, second: resident() }))
`

describe('given a process that has started', () => {
  it('when it gives text back, then it is smaller and goes on, and can do so again', () => {
    const { start, first, used, second } = answerOf(program)
    expect(first).toBeLessThan(start / 2)
    expect(used).toBeGreaterThan(first + 1024)
    expect(second).toBeLessThan(used - 1024)
  })
})
