/** What is measured: workloads, where the tap runs meanwhile, and which of their combinations a run takes. Pure. */

export interface Workload {
  readonly name: string
  readonly title: string
  readonly kind: 'udp' | 'http' | 'tcp'
  /** UDP: bytes of payload in a datagram. */
  readonly bytes?: number
  /** UDP: datagrams a second; TCP: bits a second; not given: as much as goes. */
  readonly rate?: number
  /** Bytes: MTU of the tapped pod's eth0. Its peer's is 1500 always, so that 1600 leaves the tunnel its room. */
  readonly mtu: number
}

/** Bytes: MTU with room for the tunnel. */
export const room = 1600

export const workloads: readonly Workload[] = [
  ...[64, 512, 1400].flatMap((bytes): Workload[] => [
    { name: `udp-${bytes}-30k`, title: `UDP ${bytes} B, 30 kpps`, kind: 'udp', bytes, rate: 30_000, mtu: room },
    { name: `udp-${bytes}-240k`, title: `UDP ${bytes} B, 240 kpps`, kind: 'udp', bytes, rate: 240_000, mtu: room },
    { name: `udp-${bytes}-max`, title: `UDP ${bytes} B, maximum`, kind: 'udp', bytes, mtu: room },
  ]),
  { name: 'http', title: 'HTTP keep-alive, 1 KB', kind: 'http', mtu: room },
  { name: 'tcp', title: 'TCP bulk, room for the tunnel', kind: 'tcp', mtu: room },
  { name: 'tcp-1g', title: 'TCP 1 Gbit/s, room for the tunnel', kind: 'tcp', rate: 1e9, mtu: room },
  { name: 'tcp-mtu-1500', title: 'TCP bulk, MTU 1500', kind: 'tcp', mtu: 1500 },
]

export const placements = {
  spare: 'generator and application on core 0, the tap on core 1',
  shared: 'the application has all cores; the tap is on those cores too',
  quota: 'the tap may use 0.25 core in each 100 ms',
} as const

/**
 * Milliseconds of arrivals that a tap which keeps up may be behind when the load ends: one period of its quota, in most
 * of which it may have to wait; on cores of its own, what its ring and the scheduler hold back.
 */
export const behindMs: Readonly<Record<Placement, number>> = { spare: 20, shared: 20, quota: 100 }

export type Placement = keyof typeof placements

export interface Pinning {
  readonly client: readonly number[]
  readonly app: readonly number[]
  readonly tap: readonly number[]
  /** Cores' worth of CPU time, or undefined for no limit. */
  readonly quota: number | undefined
}

/**
 * Which cores each part may use. A UDP datagram's whole way, its reception included, is run by its sender, so the
 * application has one core there and the tap shares that one; HTTP and TCP have two ends, each with a core of its own.
 */
export function pinning(kind: Workload['kind'], placement: Placement): Pinning {
  const apart = kind === 'http' ? { client: [1], app: [0], tap: [0, 1] } : { client: [0], app: [0], tap: [1] }
  if (placement === 'quota') return { ...apart, quota: 0.25 }
  if (placement === 'spare') return { client: [0], app: [0], tap: [1], quota: undefined }
  return kind === 'udp'
    ? { client: [0], app: [0], tap: [0], quota: undefined }
    : { client: [1], app: [0], tap: [0, 1], quota: undefined }
}

export interface CellName {
  readonly workload: Workload
  readonly placement: Placement
}

/** The combinations that the bars need; a quick run takes these alone. */
const needed: readonly string[] = [
  'udp-64-max/spare',
  'udp-512-max/spare',
  'udp-1400-max/spare',
  'udp-64-240k/quota',
  'http/spare',
  'http/shared',
  'http/quota',
  'tcp/spare',
  'tcp-1g/quota',
  'tcp-mtu-1500/spare',
]

const besides: readonly string[] = [
  'udp-64-30k/spare',
  'udp-512-30k/spare',
  'udp-1400-30k/spare',
  'udp-64-max/shared',
  'tcp/shared',
]

export const cellKey = (workload: string, placement: string): string => `${workload}/${placement}`

/** Every combination, those of one workload together, so that a tapped pod's MTU changes once. */
export const allCells: readonly CellName[] = workloads.flatMap((workload) =>
  (Object.keys(placements) as Placement[]).map((placement) => ({ workload, placement })),
)

export interface Selection {
  readonly quick: boolean
  /** Names of contestants, workloads, placements or WORKLOAD/PLACEMENT, comma between; empty for the usual ones. */
  readonly only: string
}

/**
 * Named workloads and placements may be of any combination, also of those that a whole run leaves out for its time.
 * @throws Error for a name that nothing has; the sentence lists the names
 */
export function select(
  selection: Selection,
  contestants: readonly string[],
): { readonly cells: readonly CellName[]; readonly contestants: readonly string[] } {
  const names = selection.only
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean)
  const keys = (cell: CellName): string[] => [
    cell.workload.name,
    cell.placement,
    cellKey(cell.workload.name, cell.placement),
  ]
  const known = new Set([...contestants, ...allCells.flatMap(keys)])
  const unknown = names.filter((name) => !known.has(name))
  if (unknown.length > 0) {
    const placesToo = [...workloads.map(({ name }) => name), ...Object.keys(placements)]
    throw new Error(
      `ONLY=${selection.only}: nothing is named ${unknown.join(', ')}; contestants are ${contestants.join(', ')}; workloads and placements are ${placesToo.join(', ')}; both together are written like http/shared`,
    )
  }
  const of = (list: readonly string[]): string[] => names.filter((name) => list.includes(name))
  const pairs = of(allCells.map((cell) => cellKey(cell.workload.name, cell.placement)))
  const chosenWorkloads = of(workloads.map(({ name }) => name))
  const chosenPlacements = of(Object.keys(placements))
  const usual = new Set(selection.quick ? needed : [...needed, ...besides])
  const cells = allCells.filter((cell) => {
    const key = cellKey(cell.workload.name, cell.placement)
    if (pairs.includes(key)) return true
    if (chosenWorkloads.length === 0 && chosenPlacements.length === 0) return pairs.length === 0 && usual.has(key)
    const placed =
      chosenPlacements.length === 0 ? chosenWorkloads.length > 0 : chosenPlacements.includes(cell.placement)
    return placed && (chosenWorkloads.length === 0 ? usual.has(key) : chosenWorkloads.includes(cell.workload.name))
  })
  const chosen = of(contestants)
  // What everything is a ratio to is measured always.
  return {
    cells,
    contestants: chosen.length === 0 ? contestants : contestants.filter((n) => n === 'none' || chosen.includes(n)),
  }
}
