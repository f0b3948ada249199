/**
 * Datagrams by the package raw-socket, one system call and one callback each: the pcap engine's transport.
 *
 * A raw socket lets us write the UDP header and so choose the source port from the whole range of the flow hash's low
 * bits; the kernel writes the IP header and fragments where it must.
 */

import type { Memory } from '../../wire/memory.ts'
import type { OwnTunnel } from '../capture/filter-parts.ts'
import type { Counters } from '../counters.ts'
import type { NativeModules, RawSocket } from '../linux/native-modules.ts'
import { addressBytes } from '../linux/udp-socket.ts'
import type { Log } from '../log.ts'
import type { Target } from '../target/target.ts'
import { largestFrame } from './mtu.ts'
import type { PathState, Transport } from './transport.ts'

const udpHeaderLength = 8
const portCount = 16
const firstPort = 61_000
/** Datagrams that may wait in the library at once; beyond it the sensor's side is too slow for this engine. */
const maxPending = 1024
const largestUdpLength = 65_535

/** Options by number, as raw-socket takes them: include/uapi/asm-generic/socket.h, linux/in.h, linux/in6.h. */
interface SocketOption {
  readonly level: number
  readonly name: number
  readonly value: number
}

const options = {
  receiveBuffer: { level: 1, name: 8, value: 1 },
  neverDf: { level: 0, name: 10, value: 0 },
  /** IPV6_CHECKSUM: the kernel computes the checksum and stores it 6 bytes into the UDP header. */
  checksum6: { level: 41, name: 7, value: 6 },
} as const satisfies Record<string, SocketOption>

function setOption(socket: RawSocket, option: SocketOption): void {
  socket.setOption(option.level, option.name, option.value)
}

export interface RawOptions {
  readonly memory: Memory
  readonly sensorPort: number
  readonly native: NativeModules
  readonly counters: Counters
  readonly log: Log
  readonly interfaceMtu: () => number
  readonly scratchLength: number
  readonly onOwnTunnel: (own: OwnTunnel) => void
}

export class RawTransport implements Transport {
  readonly scratchLength: number
  readonly #options: RawOptions
  readonly #sockets = new Map<4 | 6, RawSocket>()
  #targets: readonly Target[] = []
  #wanted = 0
  #mtu = 0
  #pending = 0

  constructor(settings: RawOptions) {
    this.#options = settings
    this.scratchLength = settings.scratchLength
    this.refresh()
  }

  get targets(): readonly Target[] {
    return this.#targets
  }

  get unsendable(): number {
    return this.#wanted - this.#targets.length
  }

  /** Datagrams handed to the library and not yet sent. */
  get pending(): number {
    return this.#pending
  }

  setTargets(targets: readonly Target[]): void {
    this.#wanted = targets.length
    this.#targets = targets.filter((target) => this.#socket(target.family) !== undefined)
    this.#options.onOwnTunnel(this.ownTunnel())
  }

  #socket(family: 4 | 6): RawSocket | undefined {
    const present = this.#sockets.get(family)
    if (present) return present
    try {
      const socket = this.#options.native.createRawSocket(family)
      // It would receive a copy of every UDP packet of the pod.
      socket.pauseRecv()
      setOption(socket, options.receiveBuffer)
      setOption(socket, family === 4 ? options.neverDf : options.checksum6)
      socket.on('error', (error) => this.#options.counters.countSendError(errorCode(error)))
      this.#sockets.set(family, socket)
      return socket
    } catch (error) {
      this.#options.log.warn(
        `cannot open a raw IPv${family} socket: ${error instanceof Error ? error.message : String(error)}`,
      )
      return undefined
    }
  }

  maxFrame(target: number): number {
    return largestFrame(this.#mtu, this.#targets[target]!.family)
  }

  add(
    target: number,
    flow: number,
    headAt: number,
    headLength: number,
    payloadAt: number,
    payloadLength: number,
  ): void {
    const { address, family } = this.#targets[target]!
    const { memory, sensorPort, counters } = this.#options
    const length = udpHeaderLength + headLength + payloadLength
    if (this.#pending >= maxPending || length > largestUdpLength) {
      counters.countSendError(length > largestUdpLength ? 'EMSGSIZE' : 'ENOBUFS')
      counters.dropped.send_error++
      return
    }
    const datagram = Buffer.allocUnsafe(length)
    datagram.writeUInt16BE(firstPort + (flow & (portCount - 1)), 0)
    datagram.writeUInt16BE(sensorPort, 2)
    datagram.writeUInt16BE(length, 4)
    datagram.writeUInt16BE(0, 6)
    datagram.set(memory.u8.subarray(headAt, headAt + headLength), udpHeaderLength)
    datagram.set(memory.u8.subarray(payloadAt, payloadAt + payloadLength), udpHeaderLength + headLength)
    this.#pending++
    this.#sockets.get(family)!.send(datagram, 0, length, address, (error) => {
      this.#pending--
      if (error) {
        counters.countSendError(errorCode(error))
        counters.dropped.send_error++
      } else {
        counters.sentFrames++
        counters.sentBytes += length - udpHeaderLength
      }
    })
  }

  /** Nothing waits here that could be hurried: the library sends as the event loop turns. */
  flush(): void {}

  refresh(): void {
    this.#mtu = this.#options.interfaceMtu()
  }

  ownTunnel(): OwnTunnel {
    return {
      mark: 0,
      sensorPort: this.#options.sensorPort,
      firstPort4: firstPort,
      firstPort6: firstPort,
      portCount,
      addresses: this.#targets.map((target) => addressBytes(target.address)),
    }
  }

  paths(): PathState[] {
    return this.#targets.map((target) => ({ name: target.name, mtu: this.#mtu, batch: 'single' }))
  }

  close(): void {
    for (const socket of this.#sockets.values()) socket.close()
    this.#sockets.clear()
  }
}

/** raw-socket reports strerror's text: `Connection refused`. */
function errorCode(error: Error): string {
  return error.message.replace(/[^A-Za-z0-9]+/g, '_').slice(0, 40)
}
