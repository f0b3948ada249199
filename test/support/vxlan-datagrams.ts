/**
 * Whole packets as literal bytes, checked with tshark when they were written down, and the VXLAN header before them.
 * Ethernet takes bytes 0 to 13, IP starts at 14, the transport at 34 (IPv4) or 54 (IPv6).
 */

const ethernet = '02000000000b 02000000000a'
const addresses4 = '0a000001 0a000002'
const addresses6 = '20010db8000000000000000000000001 20010db8000000000000000000000002'

export const tcp4 = hex(
  `${ethernet} 0800 4500002d 12344000 40061495 ${addresses4} 9c4001bb 000f4240 0000004d 501801f6 75650000 68656c6c6f`,
)
export const udp4 = hex(`${ethernet} 0800 45000021 12344000 40111496 ${addresses4} 9c400035 000d0b8a 68656c6c6f`)
export const icmp4 = hex(`${ethernet} 0800 45000020 12344000 400114a7 ${addresses4} 0800192c 00010002 70696e67`)
export const sctp4 = hex(
  `${ethernet} 0800 45000024 12344000 40841420 ${addresses4} 9c400b59 00000007 7974e242 0b000004`,
)
export const tcp6 = hex(
  `${ethernet} 86dd 60000000 00190640 ${addresses6} 9c4001bb 000f4240 0000004d 501801f6 2df30000 68656c6c6f`,
)
export const udp6 = hex(`${ethernet} 86dd 60000000 000d1140 ${addresses6} 9c400035 000dc417 68656c6c6f`)
export const icmp6 = hex(`${ethernet} 86dd 60000000 000c3a40 ${addresses6} 80004570 00010002 70696e67`)
/** With a destination options header of 8 bytes before UDP. */
export const extended6 = hex(
  `${ethernet} 86dd 60000000 00153c40 ${addresses6} 1100010400000000 9c400035 000dc417 68656c6c6f`,
)
export const arp = hex(
  `ffffffffffff 02000000000a 0806 0001 0800 06 04 0001 02000000000a 0a000001 000000000000 0a000002`,
)

export const soundFrames = { tcp4, udp4, icmp4, sctp4, tcp6, udp6, icmp6, extended6 } as const

export function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
}

/** The frame behind a VXLAN header of its own. */
export function vxlan(frame: Uint8Array, vni = 42): Uint8Array {
  return Uint8Array.of(0x08, 0, 0, 0, (vni >>> 16) & 0xff, (vni >>> 8) & 0xff, vni & 0xff, 0, ...frame)
}

/** A copy with other bytes, given as hexadecimal, from `at` on. */
export function patch(bytes: Uint8Array, at: number, text: string): Uint8Array {
  const copy = bytes.slice()
  copy.set(hex(text), at)
  return copy
}

/** A copy whose last byte is another one. */
export function corruptEnd(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from([...bytes.subarray(0, -1), bytes.at(-1)! ^ 0x10])
}
