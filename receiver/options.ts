/** What `vxtap receive` was asked to do; the command line makes it, and has checked every bound. */
export interface ReceiveOptions {
  /** An IPv4 or IPv6 address; `::` takes both families. */
  readonly address: string
  readonly port: number
  /** The VNI that every datagram must have; any when absent. */
  readonly vni?: number
  /** File to write pcapng to; `-` is standard output. */
  readonly write?: string
  /** Stop after this many datagrams. */
  readonly count?: number
  /** Stop after this many seconds. */
  readonly durationSeconds?: number
  /** Seconds between two summary lines where there is no live table. */
  readonly intervalSeconds: number
  /** How many flows to show. */
  readonly top: number
  readonly json: boolean
  /** Exit with the number of faulty datagrams, at most 255. */
  readonly strict: boolean
  /** SO_RCVBUF to ask for. */
  readonly bufferBytes: number
}

/** Flows kept; a power of two. About 100 bytes each. */
export const flowCapacity = 65_536

/** A process' exit status has eight bits. */
export const maxStrictExit = 255
