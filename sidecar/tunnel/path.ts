/**
 * One target's sockets, and the datagrams that wait for each.
 *
 * Several sockets with neighbouring source ports: the symmetric flow hash picks the socket, so that both directions of a
 * flow leave from one port, in order, and a sensor with several workers can spread flows by the outer ports.
 */
import { errnoName, SyscallError } from '../linux/errno.ts'
import { type Mapping, mapAnonymous, pageSize } from '../linux/mapping.ts'
import { closeSocket } from '../linux/socket-options.ts'
import {
  bindPort,
  canSegment,
  connectSocket,
  leaveOutChecksum,
  markSocket,
  openTunnelSocket,
  pathMtu,
} from '../linux/udp-socket.ts'
import type { Target } from '../target/target.ts'
import { BatchList, batchShape, listLength, singleShape } from './batch-list.ts'
import type { BatchMode } from './batch-mode.ts'
import { largestDatagram, mostDatagramBytes } from './mtu.ts'
import type { Outlet } from './sender.ts'

export interface PathOptions {
  readonly sensorPort: number
  readonly firstPort: number
  /** A power of two. */
  readonly portCount: number
  readonly mark: number
  readonly mode: BatchMode
  /** Address that the offsets of datagrams are added to. */
  readonly baseAddress: number
  /** The kernel refused a batch; `gaveUp` when the path sends datagrams one by one from now on. */
  readonly onBatchRefused: (path: TunnelPath, errno: string, gaveUp: boolean) => void
}

export class TunnelPath implements Outlet {
  readonly target: Target
  readonly sockets: readonly number[]
  readonly lists: readonly BatchList[]
  /** What was asked for when it was opened, and what this kernel allowed; `batch` is what is in force. */
  readonly asked: BatchMode['batch']
  readonly mode: BatchMode
  batch: BatchMode['batch']
  mtu = 0
  taken = 0
  refused = 0
  readonly #port: number
  /** Never sends: what the way carries is asked of it. */
  readonly #probe: number
  readonly #mapping: Mapping
  readonly #onBatchRefused: PathOptions['onBatchRefused']

  /** @param probe a socket that is not bound, marked as the others are */
  constructor(target: Target, sockets: readonly number[], probe: number, options: PathOptions) {
    this.target = target
    this.sockets = sockets
    this.#probe = probe
    this.#port = options.sensorPort
    this.asked = options.mode.batch
    this.mode = this.asked === 'mmsg' || canSegment(sockets[0]!) ? options.mode : withoutSegment(options.mode)
    this.batch = this.mode.batch
    this.#onBatchRefused = options.onBatchRefused
    const shape = this.batch === 'gso' ? batchShape : singleShape
    const length = listLength(shape)
    this.#mapping = mapAnonymous(Math.ceil((sockets.length * length) / pageSize) * pageSize, 'message headers')
    const { memory, address } = this.#mapping
    this.lists = sockets.map((_, bucket) => {
      const place = { memory, address, at: bucket * length }
      return new BatchList(place, shape, options.baseAddress, mostDatagramBytes(target.family))
    })
    if (this.batch === 'mmsg') this.#leaveOutChecksums()
    this.learnMtu()
  }

  /** UDP_SEGMENT wants checksums (udp_send_skb in net/ipv4/udp.c), which a device completes; nothing else does. */
  #leaveOutChecksums(): void {
    if (this.target.family === 4) for (const fd of this.sockets) leaveOutChecksum(fd)
  }

  refresh(): void {
    this.learnMtu()
    this.taken = 0
    this.refused = 0
  }

  /**
   * Connects the socket that is asked anew: the kernel answers from the route that a socket last used, and while it has
   * nothing to send that stays the one from before a change. Not one of those that send: where a network plugin chooses a
   * Service's backend at connect(2), each connect may choose another, and flows would change their sensor with it.
   */
  learnMtu(): void {
    connectSocket(this.#probe, this.target.family, this.target.address, this.#port)
    this.mtu = pathMtu(this.#probe, this.target.family)
    const largest = this.batch === 'gso' ? largestDatagram(this.mtu, this.target.family) : 0
    for (const list of this.lists) list.joinUpTo(largest)
  }

  /** Where the path has become too small for these datagrams, others may still be batched; else nothing is any more. */
  batchRefused(size: number, errno: number): void {
    this.learnMtu()
    const gaveUp = this.batch === 'gso' && size <= largestDatagram(this.mtu, this.target.family)
    if (gaveUp) {
      this.batch = 'mmsg'
      this.#leaveOutChecksums()
      this.learnMtu()
    }
    this.#onBatchRefused(this, errnoName(errno), gaveUp)
  }

  /**
   * Nothing got through since the last `refresh`. A connected socket keeps the source address that it chose first, so
   * when the interface's address is another one now, only new sockets will do.
   */
  get dead(): boolean {
    return this.refused > 0 && this.taken === 0
  }

  close(): void {
    this.sockets.forEach(closeSocket)
    closeSocket(this.#probe)
    this.#mapping.unmap()
  }
}

const withoutSegment = ({ why }: BatchMode): BatchMode => ({
  batch: 'mmsg',
  why: `${why}, but this kernel has no UDP_SEGMENT (Linux 4.18)`,
})

export type Opened =
  | { readonly ok: true; readonly path: TunnelPath }
  | { readonly ok: false; readonly reason: string; readonly portTaken: boolean }

/** Opens, marks, binds and connects a target's sockets; all of them or none. */
export function openPath(target: Target, options: PathOptions): Opened {
  const sockets: number[] = []
  let probe = -1
  try {
    probe = openTunnelSocket(target.family)
    if (options.mark !== 0) check('setsockopt SO_MARK', markSocket(probe, options.mark))
    for (let index = 0; index < options.portCount; index++) {
      const fd = openTunnelSocket(target.family)
      sockets.push(fd)
      if (options.mark !== 0) check('setsockopt SO_MARK', markSocket(fd, options.mark))
      check('bind', bindPort(fd, target.family, options.firstPort + index))
      check('connect', connectSocket(fd, target.family, target.address, options.sensorPort))
    }
    return { ok: true, path: new TunnelPath(target, sockets, probe, options) }
  } catch (error) {
    sockets.forEach(closeSocket)
    if (probe >= 0) closeSocket(probe)
    if (!(error instanceof SyscallError)) throw error
    return { ok: false, reason: `${error.syscall}: ${error.code}`, portTaken: error.syscall === 'bind' }
  }
}

function check(call: string, errno: number): void {
  if (errno !== 0) throw new SyscallError(call, errno, 'cannot prepare a tunnel socket')
}
