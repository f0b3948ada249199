import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openCapture, PcapngCapture } from '../../../receiver/capture.ts'
import { readCapture } from '../../../wire/pcap.ts'
import { place } from '../../support/frames.ts'
import { soundFrames } from '../../support/vxlan-datagrams.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'vxtap-capture-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

/** Odd and even lengths, a frame above the size of any MTU. */
const frames = [...Object.values(soundFrames), new Uint8Array(14), new Uint8Array(65499).fill(0x5a)]

function inMemory(clock = { originMs: Date.now(), sinceOriginMs: () => 0 }) {
  const parts: Uint8Array[] = []
  const capture = new PcapngCapture(
    'memory',
    (bytes) => parts.push(bytes.slice()),
    () => undefined,
    clock,
  )
  const add = (frame: Uint8Array, vni = 1, peer = '10.1.2.3') => {
    const { memory, at, length } = place(frame)
    capture.frame(memory, at, length, vni, peer)
  }
  return { capture, add, file: () => Buffer.concat(parts) }
}

describe('a capture', () => {
  it('read back by tshark and capinfos, holds the frames that were written, with their tunnels', () => {
    const path = join(directory, 'out.pcapng')
    const capture = openCapture(path)
    frames.forEach((frame, index) => {
      const { memory, at, length } = place(frame, index % 4)
      capture.frame(
        memory,
        at,
        length,
        index % 2 === 0 ? 42 : 16_777_215,
        index % 3 === 0 ? '::ffff:10.1.2.3' : 'fd00::1',
      )
    })
    capture.close()
    expect(capture.frames).toBe(frames.length)

    const fields = ['frame.len', 'frame.interface_name', 'frame.time_epoch'].flatMap((name) => ['-e', name])
    const rows = execFileSync('tshark', ['-n', '-r', path, '-T', 'fields', ...fields], {
      encoding: 'utf8',
      stdio: 'pipe',
    })
    const now = Date.now() / 1000
    rows
      .trim()
      .split('\n')
      .map((row) => row.split('\t'))
      .forEach(([length, name, time], index) => {
        expect(Number(length)).toBe(frames[index]!.length)
        const source = index % 3 === 0 ? '10.1.2.3' : 'fd00::1'
        expect(name).toBe(`vni ${index % 2 === 0 ? 42 : 16_777_215} from ${source}`)
        expect(Math.abs(Number(time) - now)).toBeLessThan(60)
      })
    const info = execFileSync('capinfos', ['-T', '-r', '-c', '-F', path], { encoding: 'utf8', stdio: 'pipe' })
    expect(info).toContain(`nanoseconds\t${frames.length}`)
    expect(readCapture(readFileSync(path)).frames.map((frame) => Uint8Array.from(frame.data))).toEqual(frames)
  })

  it('tells the time to the nanosecond', () => {
    const { capture, add, file } = inMemory({ originMs: 1_795_265_608_413, sinceOriginMs: () => 1000.000123 })
    add(soundFrames.tcp4)
    capture.close()
    expect(readCapture(file()).frames[0]!.timestampNs).toBe(1_795_265_609_413_000_123n)
  })

  it('follows a clock that was set, at the next flush', () => {
    const clock = { originMs: 1000, sinceOriginMs: () => 0 }
    const { capture } = inMemory(clock)
    capture.flush()
    expect(Math.abs(clock.originMs - Date.now())).toBeLessThan(5000)
  })

  it('writes nothing twice, and all of it, when frames fill the buffer many times over', () => {
    const { capture, add, file } = inMemory()
    const large = new Uint8Array(60_001).fill(7)
    for (let i = 0; i < 50; i++) add(large)
    capture.close()
    const read = readCapture(file()).frames
    expect(read).toHaveLength(50)
    expect(read.every((frame) => Buffer.compare(frame.data, large) === 0)).toBe(true)
  })

  it('given more tunnels than it describes, puts the rest into one', () => {
    const { capture, add, file } = inMemory()
    for (let vni = 0; vni < 1100; vni++) add(new Uint8Array(14), vni)
    capture.close()
    const names = file()
      .toString('latin1')
      .match(/vni \d+ from|other tunnels/g)
    expect(names).toHaveLength(1025)
    expect(readCapture(file()).frames).toHaveLength(1100)
  })

  it('that cannot be made names the file and the reason', () => {
    expect(() => openCapture(join(directory, 'no', 'such'))).toThrow(/cannot write the capture to .*no\/such: ENOENT/)
  })
})
