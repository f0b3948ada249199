/** Who is measured, beside nobody at all. All run in the tapped pod's network namespace and send VXLAN to one sensor. */
import { counted, startSidecar } from '../test/support/netns-sidecar.ts'
import { startKernelEngine } from './kernel-engine.ts'
import { createVxlanDevice, removeVxlanDevice, startKernelMirror } from './kernel-mirror.ts'
import { bundle, program } from './programs.ts'
import { type Place, startProgram, type Tap } from './tap.ts'

export interface Contestant {
  readonly name: string
  readonly title: string
  readonly how: string
  /** Whether the inner checksums of what it mirrors are right where a veth leaves them partial. */
  readonly repairs: boolean
  /** The sensor's kernel cuts batches in front of its socket. */
  readonly cut?: boolean
  /** For orientation, no bar needs it: left out of a quick run, and of what a whole run has besides. */
  readonly slow?: boolean
  /** Gets cheaper as it runs, for a while. */
  readonly warmsUp?: boolean
  /** Only these workloads; all unless given. */
  readonly kinds?: readonly ('udp' | 'http' | 'tcp')[]
  /** Only where the pod's network has room for the tunnel. */
  readonly needsRoom?: boolean
  start(place: Place): Promise<Tap>
}

const vni = 1

/** The sidecar with these settings besides that of its sensor. */
export function vxtap(env: Readonly<Record<string, string>>): (place: Place) => Promise<Tap> {
  return async ({ web, sensor }) => {
    const sidecar = await startSidecar(web, {
      env: { SENSOR: sensor.address4, ...env },
      program: [process.execPath, bundle, 'sidecar'],
    }).ready()
    return {
      pid: sidecar.child.pid,
      counters: async () => {
        const { captured, sent, droppedTotal } = counted(await sidecar.metrics())
        return { captured, sent, dropped: droppedTotal }
      },
      stop: async () => {
        await sidecar.stop()
      },
    }
  }
}

/** A program that sends into a VXLAN device of the kernel's. */
function intoDevice(argv: (device: string, sensor: string) => readonly string[]): (place: Place) => Promise<Tap> {
  return async (place) => {
    const device = await createVxlanDevice(place, vni)
    const tap = await startProgram(place.web, argv(device, place.sensor.address4))
    return {
      ...tap,
      stop: async () => {
        await tap.stop()
        await removeVxlanDevice(place.web)
      },
    }
  }
}

export const contestants: readonly Contestant[] = [
  {
    name: 'none',
    title: 'no tap',
    how: 'what everything else is compared with',
    repairs: true,
    start: async () => ({ pid: undefined, stop: async () => {} }),
  },
  {
    name: 'libpcap',
    title: 'libpcap + sendto, C',
    how: 'the plain tap, `bench/rivals/libpcap-sendto.c`',
    repairs: false,
    start: ({ web, sensor }) =>
      startProgram(web, [program('libpcap-sendto'), 'eth0', sensor.address4, String(vni)], 'capturing'),
  },
  {
    name: 'daemonlogger',
    title: 'daemonlogger',
    how: 'from Debian, into a VXLAN device of the kernel',
    repairs: false,
    start: intoDevice((device, sensor) => [
      ...['daemonlogger', '-i', 'eth0', '-o', device, '-S', '65535'],
      `not host ${sensor}`,
    ]),
  },
  {
    name: 'netsniff-ng',
    slow: true,
    title: 'netsniff-ng',
    how: 'from Debian, into a VXLAN device of the kernel; with `-J`, since super-frames end it otherwise',
    repairs: false,
    start: intoDevice((device, sensor) => [
      ...['netsniff-ng', '--in', 'eth0', '--out', device, '-s', '-M', '-A', '-Q', '-J', '--ring-size', '16MiB'],
      ...['-f', `not host ${sensor}`],
    ]),
  },
  {
    name: 'tc-mirred',
    title: 'kernel mirror (tc mirred)',
    how: 'clsact and mirred into a VXLAN device; the application pays for it, no process does',
    repairs: false,
    start: (place) => startKernelMirror(place, vni),
  },
  {
    name: 'vxtap-capture',
    warmsUp: true,
    slow: true,
    kinds: ['http', 'tcp'],
    title: 'vxtap, capture alone',
    how: '`MAX_MBPS=1`: captured and parsed, then dropped by that limit instead of sent',
    repairs: true,
    start: vxtap({ ENGINE: 'ring', MAX_MBPS: '1' }),
  },
  {
    name: 'vxtap-kernel',
    slow: true,
    needsRoom: true,
    title: 'vxtap, engine kernel',
    how: '`ENGINE=kernel`, which lets the kernel mirror, and repair where frames leave the node: here they do not',
    repairs: false,
    start: startKernelEngine,
  },
  {
    name: 'vxtap-pcap',
    warmsUp: true,
    slow: true,
    title: 'vxtap, engine pcap',
    how: '`ENGINE=pcap`',
    repairs: true,
    start: vxtap({ ENGINE: 'pcap' }),
  },
  {
    name: 'vxtap-mmsg',
    warmsUp: true,
    title: 'vxtap, ring, mmsg',
    how: '`ENGINE=ring`, `BATCH=mmsg`',
    repairs: true,
    start: vxtap({ ENGINE: 'ring', BATCH: 'mmsg' }),
  },
  {
    name: 'vxtap-gso',
    warmsUp: true,
    title: 'vxtap, ring, gso',
    how: '`ENGINE=ring`, `BATCH=gso`, to a socket that takes batches whole',
    repairs: true,
    start: vxtap({ ENGINE: 'ring', BATCH: 'gso' }),
  },
  {
    name: 'vxtap-gso-cut',
    warmsUp: true,
    title: 'vxtap, ring, gso, cut in software',
    how: "the same, to a socket in front of which the kernel cuts batches, at the tap's expense: what a network card without segmentation costs at most",
    repairs: true,
    cut: true,
    slow: true,
    kinds: ['udp'],
    start: vxtap({ ENGINE: 'ring', BATCH: 'gso' }),
  },
]
