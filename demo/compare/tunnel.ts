/** Which frames of the wire are the sidecar's own tunnel: its datagrams, their fragments, and ICMP errors about them. */
import { isIPv6 } from 'node:net'
import { type Layers, udpProtocol } from './layers.ts'

const icmp = 1
const icmpv6 = 58

/** An address in the form of `Layers.source`: bare hex. */
export function hexAddress(address: string): string {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number)).toString('hex')
  const [head = '', tail] = address.split('::')
  const words = (text: string) => (text === '' ? [] : text.split(':').map((word) => word.padStart(4, '0')))
  if (tail === undefined) return words(head).join('')
  const [front, back] = [words(head), words(tail)]
  return [...front, ...Array<string>(8 - front.length - back.length).fill('0000'), ...back].join('')
}

/** @param sensors the addresses of every sensor, to which the pod sends nothing but the tunnel over UDP */
export function tunnelOf(pod: readonly string[], sensors: readonly string[]) {
  const from = new Set(pod.map(hexAddress))
  const to = new Set(sensors.map(hexAddress))
  return (frame: Uint8Array, layers: Layers | undefined): boolean => {
    if (layers === undefined) return false
    if (layers.protocol === udpProtocol) return from.has(layers.source) && to.has(layers.destination)
    if (!from.has(layers.destination)) return false
    // RFC 792 and RFC 4443: an error quotes the datagram's IP header behind 8 bytes of its own.
    const quoted = Buffer.from(frame.subarray(layers.transport + 8, layers.end))
    if (layers.protocol === icmp && [3, 11].includes(frame[layers.transport]!)) {
      return quoted.length >= 20 && quoted[9] === udpProtocol && to.has(quoted.toString('hex', 16, 20))
    }
    if (layers.protocol === icmpv6 && frame[layers.transport]! < 128) {
      return quoted.length >= 40 && [udpProtocol, 44].includes(quoted[6]!) && to.has(quoted.toString('hex', 24, 40))
    }
    return false
  }
}
