/** Frames for the tests of the comparison, with correct checksums worked out by a plain sum of their own. */

export interface TcpFrame {
  readonly sequence: number
  readonly payload: Uint8Array
  readonly id?: number
  readonly flags?: number
  /** Leave the checksum as the kernel does between two ends of a veth pair: the pseudo-header's sum only. */
  readonly partial?: boolean
}

const ack = 0x10

function sum(bytes: readonly number[]): number {
  let total = 0
  bytes.forEach((byte, index) => {
    total += index % 2 === 0 ? byte << 8 : byte
  })
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16)
  return total
}

const pair = (value: number) => [(value >>> 8) & 0xff, value & 0xff]
const quad = (value: number) => [...pair(value >>> 16), ...pair(value & 0xffff)]

export function tcp4(frame: TcpFrame): Uint8Array {
  const addresses = [10, 88, 1, 10, 10, 88, 1, 11]
  const total = 40 + frame.payload.length
  const ip = [0x45, 0, ...pair(total), ...pair(frame.id ?? 1), 0x40, 0, 64, 6]
  const ipChecksum = ~sum([...ip, 0, 0, ...addresses]) & 0xffff
  const pseudo = [...addresses, 0, 6, ...pair(20 + frame.payload.length)]
  const head = [...pair(443), ...pair(40000), ...quad(frame.sequence), ...quad(7), 0x50, frame.flags ?? ack, 1, 0]
  const tcpOf = (checksum: number) => [...head, ...pair(checksum), 0, 0, ...frame.payload]
  const checksum = frame.partial === true ? sum(pseudo) : ~sum([...pseudo, ...tcpOf(0)]) & 0xffff
  const ethernet = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]
  return Uint8Array.from([...ethernet, ...ip, ...pair(ipChecksum), ...addresses, ...tcpOf(checksum)])
}

export function payloadOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + 7) & 0xff)
}
