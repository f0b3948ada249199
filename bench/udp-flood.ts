/**
 * A bounded UDP generator: `node bench/udp-flood.ts ADDRESS PORT BYTES SECONDS [FLOWS] [PACKETS_PER_SECOND]`, by
 * sendmmsg(2). Prints how many datagrams the kernel took. Traffic goes where the caller's network namespace leads.
 */
import { setTimeout } from 'node:timers/promises'
import { iovec, mmsghdr } from '../sidecar/linux/abi.ts'
import { mapAnonymous } from '../sidecar/linux/mapping.ts'
import { bindPort, connectSocket, openTunnelSocket, sendMessages } from '../sidecar/linux/udp-socket.ts'

const [address, port, bytes, seconds, flows = '16', rate = '0'] = process.argv.slice(2)
if (!address || !port || !bytes || !seconds)
  throw new Error('usage: udp-flood ADDRESS PORT BYTES SECONDS [FLOWS] [RATE]')
const family = address.includes(':') ? 6 : 4
const batch = 32
const payloadAt = batch * (mmsghdr.length + iovec.length)
const space = mapAnonymous(payloadAt + 65_536, 'messages')
for (let i = 0; i < batch; i++) {
  const message = i * mmsghdr.length
  const vector = batch * mmsghdr.length + i * iovec.length
  const put = (at: number, value: number) => {
    space.memory.u32[at >> 2] = value >>> 0
    space.memory.u32[(at >> 2) + 1] = (value / 2 ** 32) >>> 0
  }
  put(message + mmsghdr.iov, space.address + vector)
  put(message + mmsghdr.iovCount, 1)
  put(vector + iovec.base, space.address + payloadAt)
  put(vector + iovec.bytes, Number(bytes))
}
const sockets = Array.from({ length: Number(flows) }, () => {
  const fd = openTunnelSocket(family)
  bindPort(fd, family, 0)
  connectSocket(fd, family, address, Number(port))
  return fd
})
const started = performance.now()
const end = started + Math.min(Number(seconds), 60) * 1000
let sent = 0
let turn = 0
while (performance.now() < end) {
  const taken = sendMessages(sockets[turn++ % sockets.length]!, space.address, batch)
  if (taken > 0) sent += taken
  if (Number(rate) > 0) {
    const ahead = (sent / Number(rate)) * 1000 - (performance.now() - started)
    if (ahead > 1) await setTimeout(ahead)
  }
}
process.stdout.write(`${JSON.stringify({ sent, seconds: (performance.now() - started) / 1000 })}\n`)
