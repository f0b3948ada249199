/** A way of capturing frames. Both engines feed the same pipeline and the same counters. */
import type { OwnTunnel } from '../capture/filter.ts'

export interface EngineState {
  readonly capturing: boolean
  /** In words, for /healthz. */
  readonly sentence: string
}

export interface Engine {
  readonly name: 'ring' | 'pcap'
  readonly state: EngineState
  /** Captures until `stop`; returns when everything captured is sent. @throws SyscallError when capturing is not possible at all */
  run(): Promise<void>
  /** Stops capturing; `run` then works off what is there and returns. */
  stop(): void
  /** Leaves out a new set of own packets, without losing any other. */
  exclude(own: OwnTunnel): void
  /** Adds what the kernel counted since the last call. */
  readKernelCounters(): void
}
