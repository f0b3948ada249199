/**
 * The sidecar's container, from the chosen settings and the pod that it goes into. Pure.
 */
import { annotationSettings, injectorAnnotations } from '../contract/annotations.ts'
import { sidecarSettings } from '../contract/sidecar-settings.ts'
import { type Choices, chosenValue, sensorOf } from './choose-settings.ts'
import { elementsAt, type JsonObject, member } from './json.ts'
import { resourcesFor } from './resources.ts'
import { tokenAccess } from './token.ts'

export const containerName = 'vxtap'
export const metricsPortName = 'vxtap-metrics'

// The containers of a pod share one network namespace, and a native sidecar starts first: whatever the application
// declares is left to it, and a default that no well-known program uses spares those that declare nothing.
const metricsPorts = [14789, 14790, 14791, 14792]
const defaultMetricsPort = 14789

export interface SidecarParts {
  readonly container: JsonObject
  /** A volume that the container needs and the pod does not have. */
  readonly volume?: JsonObject
  readonly warnings: readonly string[]
}

export interface ContainerOptions {
  readonly image: string
  readonly imagePullPolicy: string
  readonly native: boolean
  readonly sharedKernel: boolean
}

export function sidecarParts(pod: JsonObject, choices: Choices, options: ContainerOptions): SidecarParts {
  const port = freeMetricsPort(pod)
  const resources = resourcesFor(pod, choices)
  const hold = chosenValue(choices, injectorAnnotations.hold) === true
  const kernel = chosenValue(choices, sidecarSettings.engine) === 'kernel'
  // Whether the kernel can mirror is known only in the pod: an application that waited for it might wait for ever.
  const held = hold && options.native && !kernel
  // Only a sensor that is looked for by its label needs the API.
  const token = sensorOf(choices)?.kind === 'label' ? tokenAccess(pod) : undefined
  const container: JsonObject = {
    name: containerName,
    image: options.image,
    imagePullPolicy: options.imagePullPolicy,
    args: ['sidecar'],
    ...(options.native ? { restartPolicy: 'Always' } : {}),
    env: [
      ...chosenEnvironment(choices),
      ...metricsEnvironment(port),
      ...downwardEnvironment,
      ...kernelEnvironment(options),
    ],
    ports: [{ name: metricsPortName, containerPort: port, protocol: 'TCP' }],
    resources: resources.resources,
    securityContext: securityContext(kernel ? ['NET_RAW', 'NET_ADMIN'] : ['NET_RAW']),
    terminationMessagePolicy: 'FallbackToLogsOnError',
    ...(held ? { startupProbe: holdProbe } : {}),
    ...(token ? { volumeMounts: [token.mount] } : {}),
  }
  const warnings = [...resources.warnings]
  if (hold && !options.native && !kernel) {
    warnings.push('vxtap.io/hold has no effect on an ordinary sidecar: the application starts beside it')
  }
  if (hold && kernel) {
    warnings.push(
      'vxtap.io/hold has no effect with vxtap.io/engine: kernel: whether the kernel can mirror is known only in the pod, and the application must start all the same',
    )
  }
  return { container, ...(token?.volume ? { volume: token.volume } : {}), warnings }
}

// A capability reaches a process that is not root only through ambient capabilities (KEP-2763, not implemented) or file
// capabilities (void without privilege escalation): so uid 0, and nothing of what root usually has but NET_RAW,
// and NET_ADMIN where the kernel is to mirror by itself.
const securityContext = (capabilities: readonly string[]): JsonObject => ({
  runAsUser: 0,
  runAsNonRoot: false,
  privileged: false,
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'], add: capabilities },
  seccompProfile: { type: 'RuntimeDefault' },
})

/** The kubelet starts the next container once this succeeds. A minute without capturing restarts the sidecar alone. */
const holdProbe: JsonObject = {
  httpGet: { path: '/readyz?hold', port: metricsPortName },
  periodSeconds: 1,
  failureThreshold: 60,
}

const field = (name: string, fieldPath: string): JsonObject => ({
  name,
  valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath } },
})

const downwardEnvironment: readonly JsonObject[] = [
  field('POD_NAMESPACE', 'metadata.namespace'),
  field('POD_NAME', 'metadata.name'),
  field('NODE_NAME', 'spec.nodeName'),
  // The API server copies the node's zone to the pod when it is bound (PodTopologyLabelsAdmission, 1.35); empty before.
  field('ZONE', "metadata.labels['topology.kubernetes.io/zone']"),
]

const metricsEnvironment = (port: number): readonly JsonObject[] =>
  port === defaultMetricsPort ? [] : [{ name: 'METRICS_ADDRESS', value: `:${port}` }]

const kernelEnvironment = ({ sharedKernel }: ContainerOptions): readonly JsonObject[] =>
  sharedKernel ? [{ name: sidecarSettings.sharedKernel.env, value: 'true' }] : []

function chosenEnvironment(choices: Choices): readonly JsonObject[] {
  const environment: JsonObject[] = []
  for (const [name, setting] of annotationSettings) {
    const choice = choices.get(name)
    if (setting.env === undefined || choice === undefined) continue
    // The kubelet expands $(NAME) in values and turns $$ into $ (third_party/forked/golang/expansion).
    environment.push({ name: setting.env, value: choice.text.replaceAll('$', '$$$$') })
  }
  return environment
}

function freeMetricsPort(pod: JsonObject): number {
  const declared = new Set(
    [...elementsAt(pod, 'spec', 'containers'), ...elementsAt(pod, 'spec', 'initContainers')]
      .flatMap((container) => elementsAt(container, 'ports'))
      .map((port) => member(port, 'containerPort')),
  )
  return metricsPorts.find((port) => !declared.has(port)) ?? defaultMetricsPort
}
