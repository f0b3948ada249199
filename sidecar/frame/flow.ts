/**
 * The symmetric hash of a frame's flow: both directions have the same. It picks the outer source port (RFC 7348 section
 * 5: "calculated using a hash of fields from the inner packet"), the batch, and the sensor.
 */
import { ethernetAddressLength, ethernetField, ethernetHeaderLength, etherTypeIpv4 } from '../../wire/ethernet.ts'
import { ipv4Field, ipv4FragmentOffsetMask, ipv4MinHeaderLength, ipv4MoreFragments } from '../../wire/ipv4.ts'
import { extensionFragment, ipv6AddressLength, ipv6Field } from '../../wire/ipv6.ts'
import { type Memory, readU16be, readU32be } from '../../wire/memory.ts'
import { type ParsedFrame, parseFrame } from '../../wire/parse.ts'
import { protocolSctp } from '../../wire/sctp.ts'
import { protocolTcp } from '../../wire/tcp.ts'
import { protocolUdp } from '../../wire/udp.ts'

const portsLength = 4
/** Where a plain frame has what its flow is told by, from its first byte on. */
const plainWord = {
  versionToTotalLength: ethernetHeaderLength + ipv4Field.versionIhl,
  identificationAndFragment: ethernetHeaderLength + ipv4Field.identification,
  protocol: ethernetHeaderLength + ipv4Field.protocol,
  source: ethernetHeaderLength + ipv4Field.source,
  destination: ethernetHeaderLength + ipv4Field.destination,
  ports: ethernetHeaderLength + ipv4MinHeaderLength,
} as const
/** Version 4, and five words of header. */
const plainVersionIhl = 0x45
const plainFragmentMask = ipv4MoreFragments | ipv4FragmentOffsetMask
const plainLength = ethernetHeaderLength + ipv4MinHeaderLength + portsLength

/**
 * Hashes addresses, ports and protocol of TCP, UDP and SCTP; addresses and protocol of any other IP packet and of every
 * fragment, since only the first has ports; MAC addresses and EtherType of what is not IP. A frame too short for its
 * addresses hashes to 0.
 *
 * All bits are mixed, so that low bits, high bits and remainders are equally good.
 *
 * @param parsed what `parseFrame` made of this frame, whatever it returned
 * @returns a signed 32-bit number: V8 would put an unsigned one on the heap
 */
export function flowHash(memory: Memory, at: number, length: number, parsed: ParsedFrame): number {
  const u8 = memory.u8
  if (parsed.ipVersion === 0) {
    if (length < 2 * ethernetAddressLength) return 0
    const a = hashEndpoint(readU32be(u8, at), readU16be(u8, at + 4))
    const b = hashEndpoint(readU32be(u8, at + ethernetField.source), readU16be(u8, at + ethernetField.source + 4))
    return combine(a, b, parsed.etherType)
  }
  const protocol = parsed.protocol
  const l4 = parsed.l4
  let sourcePort = 0
  let destinationPort = 0
  if (
    (protocol === protocolTcp || protocol === protocolUdp || protocol === protocolSctp) &&
    !parsed.fragment &&
    l4 >= 0 &&
    l4 + portsLength <= parsed.ipEnd
  ) {
    sourcePort = readU16be(u8, l4)
    destinationPort = readU16be(u8, l4 + 2)
  }
  const l3 = parsed.l3
  if (parsed.ipVersion === 4) {
    const a = hashEndpoint(memory.view.getInt32(l3 + ipv4Field.source), sourcePort)
    const b = hashEndpoint(memory.view.getInt32(l3 + ipv4Field.destination), destinationPort)
    return combine(a, b, protocol)
  }
  const a = hashEndpoint(foldAddress(u8, l3 + ipv6Field.source), sourcePort)
  const b = hashEndpoint(foldAddress(u8, l3 + ipv6Field.destination), destinationPort)
  // Fragments of one packet may name different next headers (RFC 8200 section 4.5), so that none counts.
  return combine(a, b, parsed.fragment ? extensionFragment : protocol)
}

/**
 * The same of a frame that has not been parsed.
 * @param parsed what it may be parsed into; most frames need not be
 */
export function frameFlow(memory: Memory, at: number, length: number, parsed: ParsedFrame): number {
  if (isPlain(memory, at, length)) return plainFlowHash(memory, at)
  parseFrame(memory, at, length, parsed)
  return flowHash(memory, at, length, parsed)
}

/**
 * Whether a frame is of the kind that nearly all are: no VLAN tag, IPv4 without options and no fragment, TCP or UDP with
 * both ports. Its flow is hashed without walking its headers, which are read in words of network order.
 */
function isPlain({ view }: Memory, at: number, length: number): boolean {
  if (length < plainLength || view.getUint16(at + ethernetField.etherType) !== etherTypeIpv4) return false
  const first = view.getInt32(at + plainWord.versionToTotalLength)
  if (first >>> 24 !== plainVersionIhl) return false
  const totalLength = first & 0xffff
  // BIG TCP's is 0.
  if (totalLength !== 0 && totalLength < plainLength - ethernetHeaderLength) return false
  if ((view.getInt32(at + plainWord.identificationAndFragment) & plainFragmentMask) !== 0) return false
  const protocol = view.getUint8(at + plainWord.protocol)
  return protocol === protocolTcp || protocol === protocolUdp
}

/** The hash that `flowHash` gives, of a frame that `isPlain`. */
function plainFlowHash({ view }: Memory, at: number): number {
  const ports = view.getInt32(at + plainWord.ports)
  const a = hashEndpoint(view.getInt32(at + plainWord.source), ports >>> 16)
  const b = hashEndpoint(view.getInt32(at + plainWord.destination), ports & 0xffff)
  return combine(a, b, view.getUint8(at + plainWord.protocol))
}

/** Finalizer of MurmurHash3: every bit of the input reaches every bit of the output. */
function mix(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

/** Half of a finalizer: `combine` mixes what comes of it once more. */
function hashEndpoint(address: number, port: number): number {
  const hash = Math.imul(address ^ Math.imul(port + 1, 0x9e3779b1), 0x85ebca6b)
  return hash ^ (hash >>> 15)
}

function foldAddress(u8: Uint8Array, at: number): number {
  let hash = 0
  for (let i = 0; i < ipv6AddressLength; i += 4) {
    hash = Math.imul(hash ^ readU32be(u8, at + i), 0x9e3779b1)
    hash ^= hash >>> 15
  }
  return hash
}

/** Sum and exclusive or do not care which endpoint is which; together they lose next to nothing of either. */
function combine(a: number, b: number, protocol: number): number {
  return mix((a + b) ^ Math.imul(a ^ b, 0x27d4eb2f) ^ Math.imul(protocol + 1, 0x165667b1))
}
