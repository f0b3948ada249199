/**
 * What the sidecar can be told: the single table behind its environment, the pod annotations that set it, the Helm
 * values and the configuration reference.
 *
 * `SENSOR`, `VNI` and `INTERFACE` are the names that existing sniffer sidecars use.
 */
import { isNamespaceName, listenAddress, namespaceOrNone, sensorReference } from './places.ts'
import {
  accepted,
  type Environment,
  oneOf,
  type Parsed,
  pattern,
  readVariables,
  refused,
  type Setting,
  truth,
  type Values,
  type VariablesResult,
  wholeNumber,
} from './setting.ts'

export type { ListenAddress, SensorReference } from './places.ts'

function snapLength(text: string): Parsed<number> {
  const parsed = wholeNumber(0, 65535)(text)
  return parsed.ok && (parsed.value === 0 || parsed.value >= 64) ? parsed : refused
}

function powerOfTwo(most: number): (text: string) => Parsed<number> {
  return (text) => {
    const parsed = wholeNumber(1, most)(text)
    return parsed.ok && (parsed.value & (parsed.value - 1)) === 0 ? parsed : refused
  }
}

export const sidecarSettings = {
  sensor: {
    env: 'SENSOR',
    annotation: 'sensor',
    default: undefined,
    meaning: "the `<name>` of the sensor's label `run: <name>`; or an IP address or host name of a sensor outside",
    allowed:
      "a label value (the <name> of the sensor pod's label run: <name>), an IP address, or a host name with a dot in it",
    example: 'zeek',
    parse: sensorReference,
  },
  sensorNamespace: {
    env: 'SENSOR_NAMESPACE',
    annotation: 'sensor-namespace',
    default: '',
    defaultShown: "the pod's own",
    meaning: 'namespace in which the sensor is looked for; `*` for all namespaces',
    allowed: "the name of a namespace, * for all, or empty for the pod's own",
    example: 'sensors',
    parse: (text: string): Parsed<string> =>
      text === '' || text === '*' || isNamespaceName(text) ? accepted(text) : refused,
  },
  sensorPort: {
    env: 'SENSOR_PORT',
    annotation: 'sensor-port',
    default: '4789',
    meaning: 'UDP port of the sensor',
    allowed: 'a UDP port from 1 to 65535',
    example: '4789',
    parse: wholeNumber(1, 65535),
  },
  vni: {
    env: 'VNI',
    annotation: 'vni',
    default: '1',
    meaning: 'VXLAN network identifier, decimal or 0x-hex',
    allowed: 'a whole number from 0 to 16777215, decimal or 0x-hex',
    example: '42',
    parse: wholeNumber(0, 0xffffff),
  },
  interface: {
    env: 'INTERFACE',
    annotation: 'interface',
    default: 'eth0',
    meaning: 'network interface to capture',
    allowed: "the name of one of the pod's interfaces: 1 to 15 characters without blanks, slashes or colons",
    example: 'eth0',
    // The kernel's own rule: dev_valid_name() in net/core/dev.c.
    parse: (text: string): Parsed<string> =>
      /^[^\s/:]{1,15}$/.test(text) && Buffer.byteLength(text) <= 15 && text !== '.' && text !== '..'
        ? accepted(text)
        : refused,
  },
  filter: {
    env: 'FILTER',
    annotation: 'filter',
    default: '',
    defaultShown: 'none',
    meaning: 'a pcap-filter(7) expression of what to mirror',
    allowed: 'a pcap-filter(7) expression of at most 4096 characters',
    example: "'not port 443'",
    // Whether libpcap accepts it is only known when it compiles; here, only what could never be an expression.
    parse: (text: string): Parsed<string> =>
      text.length <= 4096 && !/\p{Cc}/u.test(text.replace(/[\t\n\r]/g, ' ')) ? accepted(text.trim()) : refused,
  },
  direction: {
    env: 'DIRECTION',
    annotation: 'direction',
    default: 'both',
    meaning: 'which way frames go that are mirrored, as seen by the pod',
    allowed: 'both, in or out',
    example: 'both',
    parse: oneOf('both', 'in', 'out'),
  },
  snaplen: {
    env: 'SNAPLEN',
    annotation: 'snaplen',
    default: '0',
    meaning: 'bytes kept of each frame; 0 keeps all',
    allowed: '0 for all, or a number of bytes from 64 to 65535',
    example: '256',
    parse: snapLength,
  },
  segment: {
    env: 'SEGMENT',
    annotation: 'segment',
    default: 'fit',
    meaning:
      "`fit` cuts TCP super-frames so that the tunnel's datagram fits the path MTU; `wire` cuts them at their own segment size and lets the outer packet fragment",
    allowed: 'fit or wire',
    example: 'fit',
    parse: oneOf('fit', 'wire'),
  },
  engine: {
    env: 'ENGINE',
    annotation: 'engine',
    default: 'auto',
    meaning:
      'how frames are captured: `ring` (AF_PACKET TPACKET_V3), `pcap` (libpcap, one packet at a time), `auto`: ring, else pcap with the reason in the log; or `kernel`: the kernel mirrors by itself, to one sensor on another node, at the cost of the application (needs NET_ADMIN)',
    allowed: 'auto, ring, pcap or kernel',
    example: 'auto',
    parse: oneOf('auto', 'ring', 'pcap', 'kernel'),
  },
  batch: {
    env: 'BATCH',
    annotation: 'batch',
    default: 'auto',
    meaning:
      'how datagrams are handed to the kernel: `mmsg` (sendmmsg, each by itself), `gso` (up to 64 in one piece that the kernel cuts later, several times cheaper, but a program that captures packets on the same node sees the piece), or `auto`: gso for each sensor that gets separate datagrams all the same, mmsg for the others',
    allowed: 'auto, gso or mmsg',
    example: 'auto',
    parse: oneOf('auto', 'gso', 'mmsg'),
  },
  sourcePorts: {
    env: 'SOURCE_PORTS',
    annotation: 'source-ports',
    default: '1',
    meaning:
      'neighbouring UDP source ports that the flows of a pod are spread over; one costs least, more let a sensor spread a busy pod over more workers by the outer ports',
    allowed: 'a power of two from 1 to 64',
    example: '16',
    parse: powerOfTwo(64),
  },
  maxMbps: {
    env: 'MAX_MBPS',
    annotation: 'max-mbps',
    default: '0',
    meaning:
      'most megabits a second that are sent to the sensor, tunnel headers included; 0 is no limit. What is over it is counted',
    allowed: 'a whole number of megabits a second from 0 (no limit) to 1000000',
    example: '200',
    parse: wholeNumber(0, 1_000_000),
  },
  sampleFlows: {
    env: 'SAMPLE_FLOWS',
    annotation: 'sample-flows',
    default: '100',
    meaning: 'percentage of flows that are mirrored, each whole or not at all, chosen by the flow hash',
    allowed: 'a percentage from 1 to 100',
    example: '25',
    parse: wholeNumber(1, 100),
  },
  metricsAddress: {
    env: 'METRICS_ADDRESS',
    default: ':14789',
    meaning: 'where `/metrics` (Prometheus) and `/healthz` are served; empty turns it off',
    allowed: ':PORT, IPv4:PORT, [IPv6]:PORT, or empty for off',
    example: ':14789',
    parse: listenAddress,
  },
  logLevel: {
    env: 'LOG_LEVEL',
    annotation: 'log-level',
    default: 'info',
    meaning: 'least severity of what is logged',
    allowed: 'trace, debug, info, warn, error, fatal or silent',
    example: 'debug',
    parse: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
  },
  ringMib: {
    env: 'RING_MIB',
    default: '26',
    meaning: "size of the capture ring in MiB; it must hold what arrives while the pod's CPU quota is used up",
    allowed: 'a whole number of MiB from 1 to 512',
    example: '32',
    parse: wholeNumber(1, 512),
  },
  podNamespace: {
    env: 'POD_NAMESPACE',
    default: '',
    defaultShown: "read from the service account's files",
    meaning: "the pod's own namespace (set by the injector from the downward API)",
    allowed: 'the name of a namespace',
    example: 'shop',
    parse: namespaceOrNone,
  },
  podName: {
    env: 'POD_NAME',
    default: '',
    meaning: "the pod's own name, for log lines (set by the injector from the downward API)",
    allowed: 'the name of a pod',
    example: 'web-7d4b9',
    parse: pattern(/^[A-Za-z0-9.-]{0,253}$/),
  },
  nodeName: {
    env: 'NODE_NAME',
    default: '',
    meaning:
      'the node that the pod runs on: sensors on it are preferred, and `BATCH=auto` uses gso towards others (set by the injector from the downward API)',
    allowed: 'the name of a node',
    example: 'node-1',
    parse: pattern(/^[A-Za-z0-9.-]{0,253}$/),
  },
  sharedKernel: {
    env: 'SHARED_KERNEL',
    default: 'false',
    meaning:
      'whether nodes are containers on one machine (kind, k3d), where what goes to another node crosses no wire: `BATCH=auto` then treats all nodes as one (set by the injector where two nodes report the same boot ID)',
    allowed: 'true or false',
    example: 'true',
    parse: truth,
  },
  zone: {
    env: 'ZONE',
    default: '',
    meaning:
      "the node's zone: sensors whose label `topology.kubernetes.io/zone` equals it come second (set by the injector from the downward API)",
    allowed: 'a label value',
    example: 'eu-central-1a',
    parse: pattern(/^[A-Za-z0-9._-]{0,63}$/),
  },
} as const satisfies Record<string, Setting<unknown>>

export type SidecarSettings = Values<typeof sidecarSettings>
export type SettingsResult = VariablesResult<typeof sidecarSettings>

/** Reads every setting from an environment; all problems at once, so that one restart mends them all. */
export function readSidecarSettings(environment: Environment): SettingsResult {
  return readVariables(sidecarSettings, environment)
}
