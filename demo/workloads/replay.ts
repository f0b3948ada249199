/**
 * Sends the frames of a capture file out of an interface, as they are, through libpcap: `replay.ts FILE INTERFACE`.
 * Not faster than a few ten thousand a second, so that it is the tap which is tested, and not its ring's size.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { readCapture } from '../../wire/pcap.ts'

interface Cap {
  open(device: string, filter: string, bufferBytes: number, buffer: Buffer): string
  send(frame: Buffer, length: number): void
  close(): void
}

const burst = 32
const pauseMs = 1

const [file = '', networkInterface = ''] = process.argv.slice(2)
const { Cap } = createRequire(import.meta.url)('cap') as { Cap: new () => Cap }
const device = new Cap()
// A filter that nothing passes: this only sends.
device.open(networkInterface, 'less 1', 1 << 20, Buffer.alloc(65536))
for (const [index, { data }] of readCapture(readFileSync(file)).frames.entries()) {
  device.send(Buffer.from(data), data.length)
  if (index % burst === burst - 1) await sleep(pauseMs)
}
device.close()
