/**
 * What filter.ts leaves out, as a predicate on a captured frame: for the pcap engine, whose library cannot change a filter
 * in place. It does not say which way a frame went, so that our ports count only together with the sensor's address.
 */
import { etherTypeIpv4, etherTypeIpv6 } from '../../wire/ethernet.ts'
import { type Memory, readU16be } from '../../wire/memory.ts'
import type { ParsedFrame } from '../../wire/parse.ts'
import type { OwnTunnel } from './filter-parts.ts'

const udp = 17
const icmp = 1
const icmpv6 = 58
const nextHeaderFragment = 44
const icmpHeaderLength = 8
const ipv4MinimumLength = 20
const ipv6Length = 40
const fragmentHeaderLength = 8

/** Preconditions: `parsed` is what parseFrame made of this frame. */
export function isOwnTunnel(memory: Memory, at: number, length: number, parsed: ParsedFrame, own: OwnTunnel): boolean {
  const u8 = memory.u8
  const end = at + length
  const first = parsed.ipVersion === 4 ? own.firstPort4 : own.firstPort6
  if (parsed.protocol === udp && parsed.destination >= 0) {
    if (!isSensor(u8, parsed, own)) return false
    // A later fragment carries no ports: towards the sensor it is taken for ours.
    if (parsed.l4 < 0) return parsed.fragment
    return parsed.l4 + 4 <= end && areOurPorts(u8, parsed.l4, first, own)
  }
  if (parsed.l4 < 0 || parsed.l4 + icmpHeaderLength > end) return false
  const type = u8[parsed.l4]!
  const quoted = parsed.l4 + icmpHeaderLength
  if (parsed.etherType === etherTypeIpv4 && parsed.protocol === icmp) {
    const isError = type === 3 || type === 4 || type === 5 || type === 11 || type === 12
    if (!isError || quoted + ipv4MinimumLength > end) return false
    if (u8[quoted + 9] !== udp || (readU16be(u8, quoted + 6) & 0x1fff) !== 0) return false
    const ports = quoted + (u8[quoted]! & 0x0f) * 4
    return ports + 4 <= end && areOurPorts(u8, ports, first, own)
  }
  if (parsed.etherType === etherTypeIpv6 && parsed.protocol === icmpv6) {
    if (type < 1 || type > 4 || quoted + ipv6Length > end) return false
    let ports = quoted + ipv6Length
    let nextHeader = u8[quoted + 6]!
    if (nextHeader === nextHeaderFragment) {
      if (ports + fragmentHeaderLength > end || (readU16be(u8, ports + 2) & 0xfff8) !== 0) return false
      nextHeader = u8[ports]!
      ports += fragmentHeaderLength
    }
    return nextHeader === udp && ports + 4 <= end && areOurPorts(u8, ports, first, own)
  }
  return false
}

function areOurPorts(u8: Uint8Array, ports: number, first: number, own: OwnTunnel): boolean {
  const source = readU16be(u8, ports)
  return first !== 0 && source >= first && source < first + own.portCount && readU16be(u8, ports + 2) === own.sensorPort
}

function isSensor(u8: Uint8Array, parsed: ParsedFrame, own: OwnTunnel): boolean {
  const width = parsed.ipVersion === 4 ? 4 : 16
  return own.addresses.some(
    (address) => address.length === width && address.every((byte, index) => byte === u8[parsed.destination + index]),
  )
}
