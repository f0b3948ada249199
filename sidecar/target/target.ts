/** A target: one address that tunnel datagrams can be sent to. */

/**
 * How a batch of datagrams comes apart on the way to a target: by a wire between two nodes, in the kernel because the
 * sensor reads a socket, or before an XDP program; or why it may not.
 */
export type Cut = 'wire' | 'socket' | 'xdp' | 'declined' | 'same-node' | 'shared-kernel' | 'unknown'

export interface Target {
  /** What makes it this one and no other: the pod's uid, or the address. */
  readonly key: string
  /** IP literal, without brackets. */
  readonly address: string
  readonly family: 4 | 6
  /** For people: `namespace/pod`, or the host or address as set. */
  readonly name: string
  readonly sameNode: boolean
  readonly cut: Cut
  /** uint32 hash of the key, for rendezvous. */
  readonly seed: number
}

/** FNV-1a over UTF-16 code units, finished by murmur3's fmix32 so that uids that differ in one digit lie far apart. */
export function seedOf(key: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < key.length; index++) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193)
  }
  return mix(hash)
}

/** murmur3's finaliser: every input bit changes every output bit with probability one half. */
export function mix(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** Whether two lists send every flow to the same places. */
export function sameTargets(a: readonly Target[], b: readonly Target[]): boolean {
  return (
    a.length === b.length &&
    a.every((target, index) => {
      const other = b[index]!
      return (
        target.key === other.key &&
        target.address === other.address &&
        target.sameNode === other.sameNode &&
        target.cut === other.cut
      )
    })
  )
}
