import { describe, expect, it } from 'vitest'
import { Footprint } from '../../../sidecar/footprint.ts'
import { answerOf } from '../../support/own-process.ts'

const mebibyte = 1 << 20

/** Memory whose size is set from outside, and falls to `left` when it is given back. */
function memory(mebibytes: number, left: number) {
  return {
    mebibytes,
    times: 0,
    fileBytes() {
      return this.mebibytes * mebibyte
    },
    giveBack() {
      this.times++
      this.mebibytes = left
    },
  }
}

function looks(footprint: Footprint, count: number): void {
  for (let i = 0; i < count; i++) footprint.look()
}

describe('given a sidecar that has just started', () => {
  it('when a second has passed, then nothing is given back yet: discovery is still at it', () => {
    const own = memory(60, 20)
    looks(new Footprint(own), 1)
    expect(own.times).toBe(0)
  })

  it('when two have passed, then what starting needed is given back, once', () => {
    const own = memory(60, 20)
    looks(new Footprint(own), 100)
    expect(own.times).toBe(1)
  })

  it('when the kernel does not tell how much there is, then nothing is given back', () => {
    const own = memory(0, 0)
    looks(new Footprint(own), 100)
    expect(own.times).toBe(0)
  })
})

describe('given a sidecar that has given memory back', () => {
  const settled = () => {
    const own = memory(60, 20)
    const footprint = new Footprint(own)
    looks(footprint, 2)
    return { own, footprint }
  }

  it.each([
    ['a little comes back, which is in use', 26, 1],
    ['more comes back, which the compilers needed', 27, 2],
  ])('when %s, then %d MiB in all are given back %d times', (_, mebibytes, times) => {
    const { own, footprint } = settled()
    own.mebibytes = mebibytes
    looks(footprint, 100)
    expect(own.times).toBe(times)
  })

  it('when the kernel has taken some itself, then growth is counted from there', () => {
    const { own, footprint } = settled()
    own.mebibytes = 10
    looks(footprint, 1)
    own.mebibytes = 17
    looks(footprint, 1)
    expect(own.times).toBe(2)
  })
})

describe('given a packet path that needs more than the slack', () => {
  it('when it comes back each second, then after half a minute it is let be', () => {
    const own = memory(60, 20)
    const footprint = new Footprint(own)
    for (let second = 0; second < 1000; second++) {
      own.mebibytes = 28
      footprint.look()
    }
    expect(own.times).toBe(31)
  })
})

const footprint = new URL('../../../sidecar/footprint.ts', import.meta.url).href

describe('given memory that a process has freed', () => {
  it('when it is given back, then less is resident', () => {
    const { before, after } = answerOf(`
        import { readFileSync } from 'node:fs'
        import koffi from 'koffi'
        import { ownMemory } from '${footprint}'
        const resident = () => Number(/^RssAnon:\\s+(\\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))[1])
        const c = koffi.load('libc.so.6')
        const [malloc, free, memset] = [
          c.func('uintptr_t malloc(size_t length)'),
          c.func('void free(uintptr_t at)'),
          c.func('uintptr_t memset(uintptr_t at, int value, size_t length)'),
        ]
        // Below the size from which each gets a mapping of its own; every eighth stays, so that none is at the end.
        const pieces = Array.from({ length: 512 }, () => memset(malloc(64 << 10), 1, 64 << 10))
        pieces.forEach((at, i) => i % 8 === 7 || free(at))
        const before = resident()
        ownMemory.giveBack()
        console.log(JSON.stringify({ before, after: resident() }))
      `)
    expect(before - after).toBeGreaterThan(16 * 1024)
  })
})
