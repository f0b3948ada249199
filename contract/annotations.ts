/**
 * Labels and annotations that vxtap reads from pods and namespaces, and the one that it writes.
 *
 * What configures the sidecar comes from the sidecar's own table; what only the injector acts on is added here. Types,
 * parsing, the injector's defaults and the documentation derive from this table.
 */
import { parseCpu, parseMemory } from './quantity.ts'
import { oneOf, pattern, type Setting, truth } from './setting.ts'
import { sidecarSettings } from './sidecar-settings.ts'

export const annotationPrefix = 'vxtap.io/'

/** Label (or annotation) that opts a pod or a namespace in or out; its values are `true` and `false`. */
export const injectKey = `${annotationPrefix}inject`

/** Annotation that the injector writes: what was injected, as JSON. Never read to decide anything. */
export const statusKey = `${annotationPrefix}status`

/** Content of the status annotation. */
export interface InjectionStatus {
  readonly version: string
  readonly container: string
  /** True for an init container with restartPolicy Always (a native sidecar). */
  readonly native: boolean
  readonly sensor: string
  /** Names of volumes that were added. */
  readonly volumes: readonly string[]
}

export const injectSetting = {
  annotation: 'inject',
  default: undefined,
  meaning: "whether the sidecar is injected; label or annotation, of the pod or of its namespace (the pod's wins)",
  allowed: 'true or false',
  example: 'true',
  parse: truth,
} as const satisfies Setting<boolean>

/** What only the injector acts on; the rest of the annotations become the sidecar's environment. */
export const injectorAnnotations = {
  image: {
    annotation: 'image',
    default: undefined,
    defaultShown: "the injector's `IMAGE`",
    meaning: "the sidecar's container image",
    allowed: 'a container image reference without blanks',
    example: 'example.com/vxtap:0.1.0',
    parse: pattern(/^[A-Za-z0-9][A-Za-z0-9._\-/:@]{0,511}$/),
  },
  cpuRequest: {
    annotation: 'cpu-request',
    default: '50m',
    meaning: 'CPU that the scheduler reserves for the sidecar',
    allowed: 'a quantity of CPU from 1m to 64, in cores or thousandths (m)',
    example: '50m',
    parse: parseCpu,
  },
  cpuLimit: {
    annotation: 'cpu-limit',
    default: '1',
    meaning: 'most CPU that the sidecar may use',
    allowed: 'a quantity of CPU from 1m to 64, in cores or thousandths (m)',
    example: '500m',
    parse: parseCpu,
  },
  memoryRequest: {
    annotation: 'memory-request',
    default: '96Mi',
    meaning: 'memory that the scheduler reserves for the sidecar',
    allowed: 'a quantity of memory from 32Mi to 64Gi, in bytes or with one of k, M, G, Ki, Mi, Gi',
    example: '96Mi',
    parse: parseMemory,
  },
  memoryLimit: {
    annotation: 'memory-limit',
    default: '256Mi',
    meaning: 'most memory that the sidecar may use',
    allowed: 'a quantity of memory from 32Mi to 64Gi, in bytes or with one of k, M, G, Ki, Mi, Gi',
    example: '256Mi',
    parse: parseMemory,
  },
  nativeSidecar: {
    annotation: 'native-sidecar',
    default: 'auto',
    meaning:
      'whether the sidecar is an init container with restartPolicy Always, which starts before the application and lets Jobs end; `auto`: where every node has it (kubelet 1.29)',
    allowed: 'auto, always or never',
    example: 'auto',
    parse: oneOf('auto', 'always', 'never'),
  },
  hold: {
    annotation: 'hold',
    default: 'false',
    meaning:
      'whether the application waits until the tap captures, so that its first packet is seen; native sidecars only',
    allowed: 'true or false',
    example: 'true',
    parse: truth,
  },
} as const satisfies Record<string, Setting<unknown> & { annotation: string }>

/** What a sensor's pod says of itself, as a label or an annotation. The sidecar reads it together with the pod's address. */
export const sensorAnnotations = {
  gso: {
    annotation: 'gso',
    default: undefined,
    defaultShown: "not said: `BATCH=auto` goes by the sensor's node",
    meaning:
      'how datagrams that `BATCH=gso` hands over in one piece come apart at this sensor: `socket`: it reads a UDP socket or a VXLAN device of the kernel; `xdp`: an XDP program on its eth0 makes the node cut them; `none`: not at all, whatever its node',
    allowed: 'socket, xdp or none',
    example: 'socket',
    parse: oneOf('socket', 'xdp', 'none'),
  },
} as const satisfies Record<string, Setting<unknown> & { annotation: string }>

/** What a pod says of itself as a sensor is no word about its own tap. */
export const sensorAnnotationKeys: ReadonlySet<string> = new Set(
  Object.values(sensorAnnotations).map(({ annotation }) => `${annotationPrefix}${annotation}`),
)

/** A setting that an annotation carries, under the annotation's name without the prefix. */
export type AnnotationSetting = Setting<unknown> & { readonly annotation: string }

/** Every setting that pods and namespaces may carry, by annotation name without the prefix. */
export const annotationSettings: ReadonlyMap<string, AnnotationSetting> = new Map(
  [
    ...Object.values<Setting<unknown>>(sidecarSettings),
    ...Object.values<Setting<unknown>>(injectorAnnotations),
  ].flatMap((setting) =>
    setting.annotation === undefined ? [] : [[setting.annotation, setting as AnnotationSetting]],
  ),
)

/**
 * What the operator may let pods override: every annotation, and, apart from `sensor` (a label's value),
 * `sensor-address`: a sensor given by address or host name, which may be outside the cluster; and, apart from `engine`,
 * `engine-kernel`: the engine that needs the capability NET_ADMIN.
 */
export const overridable: readonly string[] = [...annotationSettings.keys(), 'sensor-address', 'engine-kernel']

/**
 * Not for pods unless the operator says so: who writes a pod must not send the mirror elsewhere, swap the program or
 * give it another capability.
 */
export const notOverridableByDefault: readonly string[] = ['sensor-address', 'engine-kernel', 'image']
