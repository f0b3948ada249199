/**
 * What becomes of `vxtap prepare-sensor`. A closed catalogue: the code stands at the end of the line that is printed,
 * the exit code is the process', and each is a line of the documentation. Codes are never reused.
 */
import { exitCodes } from './exit-codes.ts'

interface Outcome {
  readonly exit: { readonly code: number }
  /** `{parameter}` stands for what the run fills in. */
  readonly sentence: string
  readonly remedy: string
}

export const preparationOutcomes = {
  prepared: {
    exit: exitCodes.ok,
    sentence:
      '{interface} is prepared: the XDP program {program}, which passes every frame, is attached to it, so that the node cuts merged datagrams before they come in here',
    remedy: '',
  },
  already_prepared: {
    exit: exitCodes.ok,
    sentence: '{interface} was prepared already: the XDP program {program} of an earlier run is attached to it',
    remedy: '',
  },
  undone: {
    exit: exitCodes.ok,
    sentence:
      '{interface} is as it was: the XDP program {program} is detached from it, and merged datagrams come in whole',
    remedy: '',
  },
  nothing_to_undo: {
    exit: exitCodes.ok,
    sentence: 'nothing to undo: no XDP program is attached to {interface}',
    remedy: '',
  },
  no_interface: {
    exit: exitCodes.unavailable,
    sentence: 'there is no interface {interface} here',
    remedy: "name the pod's interface with --interface",
  },
  not_veth: {
    exit: exitCodes.unavailable,
    sentence:
      '{interface} is {kind}, not one end of a veth pair: the node has no other end of it that could cut datagrams',
    remedy: 'let the sensor read a UDP socket, or leave vxtap.io/gso away: it then gets datagrams one by one',
  },
  no_native_xdp: {
    exit: exitCodes.unavailable,
    sentence:
      'the driver of {interface} runs no XDP programs (Linux before 4.19?), and the generic kind, run after the driver, does not change what the node sends: {said}',
    remedy: 'bring the node to Linux 4.19 or later, or leave vxtap.io/gso away',
  },
  mtu_too_large: {
    exit: exitCodes.unavailable,
    sentence:
      'the MTU of {interface}, {mtu} bytes, is too large: this kernel runs XDP programs on frames of one memory page only (Linux before 5.18)',
    remedy:
      'bring the node to Linux 5.18 or later, give the pod an MTU of 3500 bytes or less, or leave vxtap.io/gso away',
  },
  foreign_program: {
    exit: exitCodes.cannotCreate,
    sentence: 'an XDP program that is not of vxtap is attached to {interface} ({attached}); it was left alone',
    remedy:
      'if the sensor attaches it in the driver (AF_XDP, XDP bypass), the node cuts datagrams for it and no preparation is needed; else detach it first',
  },
  capability_missing: {
    exit: exitCodes.noPermission,
    sentence: 'this container lacks the capability {missing}: attaching an XDP program takes NET_ADMIN and {loading}',
    remedy: 'add {missing} to securityContext.capabilities of the init container, and run it as user 0',
  },
  user_namespace: {
    exit: exitCodes.noPermission,
    sentence: 'this container is in a user namespace, in which its capabilities count for nothing with bpf(2)',
    remedy: 'run the sensor with hostUsers: true, or leave vxtap.io/gso away',
  },
  bpf_forbidden: {
    exit: exitCodes.noPermission,
    sentence: 'bpf(2) is forbidden to this container although it has the capabilities, by {by}',
    remedy: 'give the init container a seccomp profile that allows bpf(2), for instance Unconfined',
  },
  kernel_refused: {
    exit: exitCodes.osErr,
    sentence: 'the kernel refused to {what}: {said}',
    remedy: '',
  },
  not_in_effect: {
    exit: exitCodes.osErr,
    sentence:
      'the kernel acknowledged the XDP program {program} on {interface}, but shows {attached}: nothing can be promised about merged datagrams',
    remedy: 'see that nothing else attaches and detaches programs there at the same time, and run it again',
  },
} as const satisfies Record<string, Outcome>

type Catalogue = typeof preparationOutcomes
export type OutcomeCode = keyof Catalogue

type Parameter<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Parameter<Rest>
  : never

type Parameters<Code extends OutcomeCode> = Readonly<
  Record<Parameter<Catalogue[Code]['sentence']> | Parameter<Catalogue[Code]['remedy']>, string>
>

/** An outcome with what its sentence needs. */
export type Preparation = {
  [Code in OutcomeCode]: { readonly code: Code; readonly parameters: Parameters<Code> }
}[OutcomeCode]

const fill = (template: string, parameters: Readonly<Record<string, string>>): string =>
  template.replace(/\{(\w+)\}/g, (placeholder, name: string) => parameters[name] ?? placeholder)

/** One line: the sentence, what can be done about it, and the code. */
export function describePreparation({ code, parameters }: Preparation): string {
  const { sentence, remedy } = preparationOutcomes[code]
  const help = remedy === '' ? '' : `; ${fill(remedy, parameters)}`
  return `${fill(sentence, parameters)}${help} (${code})`
}
