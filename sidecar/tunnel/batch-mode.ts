/** Whether datagrams for a sensor may be handed to the kernel in batches that are cut later, and why. Pure. */
import type { SidecarSettings } from '../../contract/sidecar-settings.ts'
import type { Cut, Target } from '../target/target.ts'

/** gso: UDP_SEGMENT, many datagrams in one message; mmsg: each by itself; single: with a system call of its own; kernel: without us. */
export type Batch = 'gso' | 'mmsg' | 'single' | 'kernel'

export interface BatchMode {
  readonly batch: 'gso' | 'mmsg'
  /** For people. */
  readonly why: string
}

/**
 * A batch passes veths and bridges whole. A UDP socket and a VXLAN device get it cut, and so does whatever is behind a
 * wire; a packet socket (tcpdump, Zeek, Suricata) on the same node sees the whole and takes it for one broken datagram.
 */
const modes: Readonly<Record<Cut, BatchMode>> = {
  socket: { batch: 'gso', why: 'it says that it reads a socket' },
  xdp: { batch: 'gso', why: 'it says that an XDP program on its eth0 has datagrams cut' },
  wire: { batch: 'gso', why: 'it is on another node' },
  declined: { batch: 'mmsg', why: 'it says that nothing cuts batches for it' },
  'same-node': { batch: 'mmsg', why: 'it is on this node and may capture packets' },
  'shared-kernel': { batch: 'mmsg', why: "its node shares this node's kernel, and it may capture packets" },
  unknown: { batch: 'mmsg', why: 'its node is not known' },
}

export function batchMode(setting: SidecarSettings['batch'], target: Target): BatchMode {
  return setting === 'auto' ? modes[target.cut] : { batch: setting, why: `BATCH=${setting}` }
}
