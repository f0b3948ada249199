/**
 * Prints, as JSON, what a process holds before and after its ring was opened and closed, and its place given up, many
 * times over. A program of its own, run by plain Node with --expose-gc: a test runner's heap grows by itself.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { openPacketSocket } from '../../sidecar/linux/packet-socket.ts'
import { reserveRing } from '../../sidecar/linux/ring-place.ts'
import { closeSocket } from '../../sidecar/linux/socket-options.ts'

const shape = { blockSize: 256 << 10, blockCount: 4, retireMs: 4 }
const ringLength = shape.blockSize * shape.blockCount
const scratchLength = 256 << 10

async function held(): Promise<{ residentKb: number; mappings: number; descriptors: number }> {
  // V8 gives a buffer's memory back on a thread of its own, after the collection.
  for (let round = 0; round < 3; round++) {
    globalThis.gc?.()
    await setTimeout(200)
  }
  return {
    residentKb: Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]),
    mappings: readFileSync('/proc/self/maps', 'utf8').split('\n').length,
    descriptors: readdirSync('/proc/self/fd').length,
  }
}

const place = reserveRing(ringLength, scratchLength)

function reopen(times: number): void {
  for (let time = 0; time < times; time++) {
    const fd = openPacketSocket(shape)
    place.attach(fd)
    // The kernel's pages, and then those that took their place.
    place.memory.u8.fill(1, 0, ringLength)
    place.detach()
    closeSocket(fd)
    place.memory.u8.fill(2, 0, ringLength)
  }
}

function reserve(times: number): void {
  for (let time = 0; time < times; time++) {
    const other = reserveRing(ringLength, scratchLength)
    other.memory.u8.fill(3)
    other.unmap()
  }
}

reopen(50)
reserve(100)
const before = await held()
reopen(200)
reserve(1000)
console.log(JSON.stringify({ obstacle: place.obstacle, before, after: await held() }))
