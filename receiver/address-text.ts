/** Addresses as people write them: IPv4 dotted, IPv6 after RFC 5952, MAC with colons. */

/** @param bytes 4, 6 or 16 of them, in network order */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  if (bytes.length === 16) return ipv6Text(bytes)
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':')
}

/** An address with its port; without one where the port is 0. */
export function endText(bytes: Uint8Array, port: number): string {
  const address = addressText(bytes)
  if (port === 0) return address
  return bytes.length === 16 ? `[${address}]:${port}` : `${address}:${port}`
}

/** Host part of a socket's address: an IPv4 peer of a dual-stack socket is shown as IPv4. */
export function peerText(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address
}

function ipv6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[2 * i]! << 8) | bytes[2 * i + 1]!)
  let start = 0
  let longest = 0
  for (let i = 0; i < groups.length; i++) {
    let run = 0
    while (groups[i + run] === 0) run++
    if (run > longest) [start, longest] = [i, run]
  }
  const text = (part: number[]) => part.map((group) => group.toString(16)).join(':')
  // RFC 5952 section 4.2.2: a single zero group is not shortened; 4.2.3: the first of equally long runs is.
  if (longest < 2) return text(groups)
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + longest))}`
}
