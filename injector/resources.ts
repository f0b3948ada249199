/** What the sidecar reserves and may use at most. Pure. */
import { injectorAnnotations } from '../contract/annotations.ts'
import type { Quantity } from '../contract/quantity.ts'
import { type Choices, chosenValue } from './choose-settings.ts'
import { elementsAt, type Json, type JsonObject, objectAt, textAt } from './json.ts'

export interface ChosenResources {
  readonly resources: JsonObject
  readonly warnings: readonly string[]
}

/**
 * Requests and limits are always set: a namespace with a ResourceQuota rejects a pod without. A request above its limit
 * would be rejected too, so the request gives way.
 */
export function resourcesFor(pod: JsonObject, choices: Choices): ChosenResources {
  // Where the pod as a whole has requests and limits (KEP-2837), those of the containers must fit in; ours share them.
  const wholePod = objectAt(pod, 'spec', 'resources')
  if (['requests', 'limits'].some((kind) => Object.keys(objectAt(wholePod, kind)).length > 0)) {
    return { resources: {}, warnings: [] }
  }
  const { cpuRequest, cpuLimit, memoryRequest, memoryLimit } = injectorAnnotations
  const cpu = requestWithin('cpu', chosenValue<Quantity>(choices, cpuRequest), chosenValue<Quantity>(choices, cpuLimit))
  const memory = requestWithin(
    'memory',
    chosenValue<Quantity>(choices, memoryRequest),
    chosenValue<Quantity>(choices, memoryLimit),
  )
  const guaranteed = cpu.request === cpu.limit && memory.request === memory.limit
  return {
    resources: {
      requests: { cpu: cpu.request, memory: memory.request },
      limits: { cpu: cpu.limit, memory: memory.limit },
    },
    warnings: [...cpu.warnings, ...memory.warnings, ...(isGuaranteed(pod) && !guaranteed ? [lostGuarantee] : [])],
  }
}

// Raising the requests would keep the class, but might leave the pod without a node: that is for its author to weigh.
const lostGuarantee =
  "the pod's QoS class becomes Burstable, because the sidecar's requests are below its limits; to keep Guaranteed, set vxtap.io/cpu-request and memory-request to the limits"

function requestWithin(what: string, request: Quantity | undefined, limit: Quantity | undefined) {
  const texts = { request: request?.text ?? '', limit: limit?.text ?? '' }
  if (!request || !limit || request.amount <= limit.amount) return { ...texts, warnings: [] }
  const warning = `the sidecar's ${what} request ${request.text} is above its limit ${limit.text}; the request was lowered to it`
  return { request: limit.text, limit: limit.text, warnings: [warning] }
}

/** Every container has limits for CPU and memory, and requests that are the same or absent (pkg/apis/core/v1/helper/qos). */
function isGuaranteed(pod: JsonObject): boolean {
  const containers = elementsAt(pod, 'spec', 'containers')
  return (
    containers.length > 0 && containers.every(hasFixed) && elementsAt(pod, 'spec', 'initContainers').every(hasFixed)
  )
}

const hasFixed = (container: Json): boolean => isFixed(container, 'cpu') && isFixed(container, 'memory')

function isFixed(container: Json, what: string): boolean {
  const limit = textAt(container, 'resources', 'limits', what)
  return limit !== undefined && (textAt(container, 'resources', 'requests', what) ?? limit) === limit
}
