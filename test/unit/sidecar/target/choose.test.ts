import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eligibleTargets, type Place, rendezvous } from '../../../../sidecar/target/choose.ts'
import { podView } from '../../../../sidecar/target/pod-view.ts'
import { sameTargets, seedOf, type Target } from '../../../../sidecar/target/target.ts'
import { sensorPod, view } from './pods.ts'

const place: Place = { nodeName: 'node-1', zone: 'zone-a', families: new Set([4]) }
const keys = (targets: readonly Target[]): string[] => targets.map((target) => target.key)

describe('eligibleTargets', () => {
  it('takes only pods that are Running, Ready, not terminating and have an address', () => {
    const pods = [
      view('good'),
      view('pending', { phase: 'Pending' }),
      view('unready', { ready: false }),
      view('leaving', { terminating: true }),
      view('no-address', { addresses: [] }),
      view('garbage', { addresses: ['not an address'] }),
    ]
    expect(eligibleTargets(pods, place)).toEqual([
      {
        key: 'good',
        address: '10.0.0.1',
        family: 4,
        name: 'sensors/good',
        sameNode: false,
        cut: 'wire',
        seed: seedOf('good'),
      },
    ])
  })

  it('prefers the same node, then the same zone, then takes all', () => {
    const near = view('near', { nodeName: 'node-1' })
    const zonal = view('zonal', { zone: 'zone-a' })
    const far = view('far', { zone: 'zone-b' })
    expect(keys(eligibleTargets([far, zonal, near], place))).toEqual(['near'])
    expect(eligibleTargets([near], place)[0]?.sameNode).toBe(true)
    expect(keys(eligibleTargets([far, zonal], place))).toEqual(['zonal'])
    expect(keys(eligibleTargets([far], place))).toEqual(['far'])
  })

  it('takes those elsewhere before the same node where frames must leave it, the same zone first, then the same node', () => {
    const near = view('near', { nodeName: 'node-1' })
    const zonal = view('zonal', { zone: 'zone-a' })
    const far = view('far', { zone: 'zone-b' })
    const away: Place = { ...place, elsewhere: true }
    expect(keys(eligibleTargets([far, zonal, near], away))).toEqual(['zonal'])
    expect(keys(eligibleTargets([far, near], away))).toEqual(['far'])
    expect(keys(eligibleTargets([near], away))).toEqual(['near'])
  })

  it.each([
    ['on another node', { nodeName: 'node-2' }, {}, 'wire'],
    ['on the same node', { nodeName: 'node-1' }, {}, 'same-node'],
    ['on the same node, reading a socket', { nodeName: 'node-1', gso: 'socket' }, {}, 'socket'],
    ['on the same node, with an XDP program', { nodeName: 'node-1', gso: 'xdp' }, {}, 'xdp'],
    ['on another node, against its will', { nodeName: 'node-2', gso: 'none' }, {}, 'declined'],
    ['on another node of the same machine', { nodeName: 'node-2' }, { sharedKernel: true }, 'shared-kernel'],
    ['on the same node of one machine', { nodeName: 'node-1' }, { sharedKernel: true }, 'same-node'],
    ['on another node of one machine, reading a socket', { gso: 'socket' }, { sharedKernel: true }, 'socket'],
    ['somewhere, seen from an unknown node', { nodeName: 'node-2' }, { nodeName: '' }, 'unknown'],
    ['on a node that is not told', { nodeName: '' }, {}, 'unknown'],
  ] as const)('knows how batches come apart for a sensor %s', (_what, pod, here, cut) => {
    const found = eligibleTargets([view('sensor', pod)], { ...place, zone: '', ...here })
    expect(found.map((target) => target.cut)).toEqual([cut])
  })

  it.each([
    ['annotation', { annotations: { 'vxtap.io/gso': 'socket' } }, 'socket'],
    ['label', { labels: { 'vxtap.io/gso': 'xdp' } }, 'xdp'],
    [
      'annotation before a label',
      { annotations: { 'vxtap.io/gso': 'none' }, labels: { 'vxtap.io/gso': 'xdp' } },
      'none',
    ],
    ['word that is not known', { annotations: { 'vxtap.io/gso': 'yes' } }, ''],
  ])('reads what a sensor says of itself from its %s', (_what, metadata, gso) => {
    expect(podView({ metadata: { uid: 'u', ...metadata } })?.gso).toBe(gso)
  })

  it('given a near pod that is not ready, then does not prefer it', () => {
    const pods = [view('near', { nodeName: 'node-1', ready: false }), view('far')]
    expect(keys(eligibleTargets(pods, place))).toEqual(['far'])
  })

  it('given no node name and no zone, then does not mistake a pod without them for a near one', () => {
    const pods = [view('a', { nodeName: '', zone: '' }), view('b', { nodeName: 'node-1', zone: 'zone-a' })]
    const nowhere = { nodeName: '', zone: '', families: new Set([4] as const) }
    expect(keys(eligibleTargets(pods, nowhere))).toEqual(['a', 'b'])
    expect(eligibleTargets(pods, nowhere).some((target) => target.sameNode)).toBe(false)
  })

  it('takes the first address, in the order of the pod, of a family that this pod has', () => {
    const dual = view('dual', { addresses: ['10.0.0.1', 'fd00::1'] })
    const families = (...list: (4 | 6)[]): Place => ({ ...place, families: new Set(list) })
    expect(eligibleTargets([dual], families(4, 6))[0]).toMatchObject({ address: '10.0.0.1', family: 4 })
    expect(eligibleTargets([dual], families(6))[0]).toMatchObject({ address: 'fd00::1', family: 6 })
    expect(eligibleTargets([view('six', { addresses: ['fd00::1'] })], families(4))).toEqual([])
  })

  it.each([
    ['Ready', {}, []],
    ['not Ready', { ready: false }, []],
    ['terminating', { terminating: true }, []],
    ['over, its address given to this one', { phase: 'Succeeded' }, ['other']],
  ])('takes none for a pod that is a sensor itself and is %s', (_, fields, found) => {
    const own = { ...place, ownAddresses: new Set(['10.0.0.7']) }
    const pods = [view('me', { addresses: ['10.0.0.7'], nodeName: 'node-1', ...fields }), view('other')]
    expect(keys(eligibleTargets(pods, own))).toEqual(found)
  })

  it('orders by key, whatever order the pods come in', () => {
    const uids = fc.uniqueArray(fc.uuid(), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(uids, (list) => {
        const forward = eligibleTargets(
          list.map((uid) => view(uid)),
          place,
        )
        const backward = eligibleTargets(
          [...list].reverse().map((uid) => view(uid)),
          place,
        )
        expect(sameTargets(forward, backward)).toBe(true)
        expect(keys(forward)).toEqual([...list].sort())
      }),
      { seed: 7, numRuns: 100 },
    )
  })
})

describe('rendezvous', () => {
  const targets = (uids: readonly string[]): Target[] =>
    eligibleTargets(
      uids.map((uid) => view(uid)),
      place,
    )
  const someTargets = fc.uniqueArray(fc.uuid(), { minLength: 2, maxLength: 8 }).map(targets)
  const flow = fc.nat({ max: 0xffffffff })

  it('given no target, then says so', () => {
    expect(rendezvous([], 1)).toBe(-1)
  })

  it('when a target leaves, then only its own flows move', () => {
    fc.assert(
      fc.property(someTargets, flow, fc.nat(), (all, hash, pick) => {
        const leaving = pick % all.length
        const left = all.filter((_, index) => index !== leaving)
        const before = rendezvous(all, hash)
        const after = rendezvous(left, hash)
        if (before !== leaving) expect(left[after]).toBe(all[before])
        else expect(after).toBeGreaterThanOrEqual(0)
      }),
      { seed: 7, numRuns: 2000 },
    )
  })

  it('when a target comes, then flows move to it or stay', () => {
    fc.assert(
      fc.property(someTargets, flow, fc.uuid(), (old, hash, uid) => {
        const all = targets([...new Set([...keys(old), uid])])
        const chosen = all[rendezvous(all, hash)]
        expect([uid, old[rendezvous(old, hash)]?.key]).toContain(chosen?.key)
      }),
      { seed: 7, numRuns: 2000 },
    )
  })

  it.each([2, 3, 5, 16])('spreads flows evenly over %i targets, for hashes in sequence and far apart', (count) => {
    const all = targets(
      Array.from({ length: count }, (_, index) => `6f1c0d5e-0000-4000-8000-00000000000${index.toString(16)}`),
    )
    for (const step of [1, 0x9e3779b1]) {
      const hits = new Array<number>(count).fill(0)
      const flows = 20_000
      for (let index = 0; index < flows; index++) hits[rendezvous(all, Math.imul(index, step) >>> 0)]! += 1
      const expected = flows / count
      // Six standard deviations of a binomial: an even spread fails this about once in a thousand million runs.
      const tolerance = 6 * Math.sqrt(expected * (1 - 1 / count))
      for (const hit of hits) expect(Math.abs(hit - expected)).toBeLessThan(tolerance)
    }
  })

  it('spreads the flows of a target that left over all others', () => {
    const all = targets(['a', 'b', 'c', 'd'])
    const left = all.slice(1)
    const moved = [0, 0, 0]
    for (let hash = 0; hash < 8000; hash++) if (rendezvous(all, hash) === 0) moved[rendezvous(left, hash)]! += 1
    for (const count of moved) expect(count).toBeGreaterThan(500)
  })
})

describe('podView', () => {
  it('keeps what discovery needs of a pod', () => {
    const pod = sensorPod({ name: 'zeek-1', addresses: ['10.0.0.1', 'fd00::1'], node: 'node-1', zone: 'zone-a' })
    expect(podView({ ...pod, metadata: { ...pod.metadata, uid: 'u1' } })).toEqual(
      view('u1', { name: 'zeek-1', nodeName: 'node-1', zone: 'zone-a', addresses: ['10.0.0.1', 'fd00::1'] }),
    )
  })

  it('given only podIP, then takes it', () => {
    expect(podView({ metadata: { uid: 'u' }, status: { podIP: '10.0.0.9' } })?.addresses).toEqual(['10.0.0.9'])
  })

  it('given anything, then never throws, and takes nothing without a uid for a pod', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        podView(value)
        podView({ metadata: value, spec: value, status: value })
        podView({ metadata: { uid: 'u', labels: value }, status: { conditions: [value], podIPs: [value] } })
      }),
      { seed: 7, numRuns: 500 },
    )
    for (const value of [undefined, null, 1, 'pod', [], {}, { metadata: { uid: 3 } }])
      expect(podView(value)).toBeUndefined()
  })
})
