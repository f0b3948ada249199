/** A way of capturing frames. All feed the same counters. */
import type { RefusalCode } from '../../contract/mirror-refusals.ts'

export interface EngineState {
  readonly capturing: boolean
  /** In words, for /healthz. */
  readonly sentence: string
  /** Why ENGINE=kernel does not mirror. */
  readonly refusal?: RefusalCode
}

export interface Engine {
  readonly name: 'ring' | 'pcap' | 'kernel'
  readonly state: EngineState
  /** Captures until `stop`; returns when everything captured is sent. @throws SyscallError when capturing is not possible at all */
  run(): Promise<void>
  /** Stops capturing; `run` then works off what is there and returns. */
  stop(): void
  /** Adds what the kernel counted since the last call. */
  readKernelCounters(): void
}
