/**
 * Why ENGINE=kernel does not mirror. A closed set: the code labels the metric, the sentence is the log's and /readyz's,
 * and each is a line of the documentation. The sidecar stays up all the while, and the application is left alone.
 */
interface Refusal {
  /** `{parameter}` stands for what the sidecar fills in. */
  readonly sentence: string
  readonly remedy: string
}

export const mirrorRefusals = {
  setting: {
    sentence: '{settings} cannot be heeded: frames that the kernel mirrors do not come to the sidecar',
    remedy: 'leave it out, or use ENGINE=auto',
  },
  no_permission: {
    sentence: 'the capability NET_ADMIN is missing',
    remedy:
      "add it to the sidecar's container, which the injector does where the operator lets it (ALLOWED_OVERRIDES: engine-kernel), or use ENGINE=auto",
  },
  no_kernel_support: {
    sentence: 'this kernel has no {part} ({option}), or cannot load it: {cause}',
    remedy: 'load the module on the node, or use ENGINE=auto',
  },
  kernel_refused: {
    sentence: 'the kernel refused a part: {cause}',
    remedy: 'ENGINE=auto needs none of these parts',
  },
  no_interface: {
    sentence: 'there is no interface {interface} in this pod',
    remedy: 'it is mirrored as soon as it comes',
  },
  not_ethernet: {
    sentence: 'the interface {interface} has no Ethernet frames, which VXLAN carries',
    remedy: 'set INTERFACE to one that has',
  },
  node_unknown: {
    sentence: 'whether the sensor {sensor} is on this node is not known, as NODE_NAME is empty',
    remedy: 'set it from the downward API (spec.nodeName), as the injector does',
  },
  same_node: {
    sentence:
      'the sensor {sensor} is on this node: what it got would be neither cut nor summed, since that happens where frames leave the node',
    remedy: 'run a sensor on another node, or use ENGINE=auto',
  },
  shared_kernel: {
    sentence:
      'the nodes share a kernel (SHARED_KERNEL=true): no frame crosses a wire, and none would be cut or summed on its way to {sensor}',
    remedy: 'use ENGINE=auto on such a cluster',
  },
  no_route: {
    sentence: 'there is no way to the sensor {sensor}: {cause}',
    remedy: 'it is tried again each second',
  },
  path_mtu: {
    sentence:
      'the path to the sensor {sensor} carries packets of {path} bytes, and the pod may have some of {inner}, which become {needed} in the tunnel: the kernel would fragment each at the cost of the application',
    remedy:
      "give the path to the sensor {needed} bytes, or the pod's other routes an MTU of {fitting}, or use ENGINE=auto",
  },
} as const satisfies Record<string, Refusal>

type Catalogue = typeof mirrorRefusals
export type RefusalCode = keyof Catalogue

type Parameter<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Parameter<Rest>
  : never

/** What must be filled in to explain a refusal. */
export type RefusalParameters<Code extends RefusalCode> = Readonly<
  Record<Parameter<Catalogue[Code]['sentence']> | Parameter<Catalogue[Code]['remedy']>, string | number>
>

export interface MirrorRefusal {
  readonly code: RefusalCode
  /** With what can be done about it; no final full stop. */
  readonly sentence: string
}

export function mirrorRefusal<Code extends RefusalCode>(
  code: Code,
  parameters: RefusalParameters<Code>,
): MirrorRefusal {
  const { sentence, remedy } = mirrorRefusals[code]
  const values: Readonly<Record<string, string | number>> = parameters
  const filled = `${sentence}; ${remedy}`.replace(/\{(\w+)\}/g, (all, name: string) => String(values[name] ?? all))
  return { code, sentence: filled }
}
