import { describe, expect, it } from 'vitest'
import { mtuRefusal, nodeRefusal, settingRefusal, targetOf } from '../../../../sidecar/engine/mirror-fitness.ts'
import { must, PartError } from '../../../../sidecar/engine/mirror-parts.ts'
import { seedOf, type Target } from '../../../../sidecar/target/target.ts'

const target = (name: string, more: Partial<Target> = {}): Target => ({
  key: name,
  address: '10.9.0.7',
  family: 4,
  name,
  sameNode: false,
  cut: 'wire',
  seed: seedOf(name),
  ...more,
})
const label = { kind: 'label', name: 'zeek' } as const
const place = { sensor: label, nodeName: 'node-1', sharedKernel: false }

describe('whether the kernel may mirror', () => {
  it('given settings that need each frame, then each is named; else none is', () => {
    const none = { snaplen: 0, maxMbps: 0, sampleFlows: 100 }
    expect(settingRefusal(none)).toBeUndefined()
    expect(settingRefusal({ ...none, maxMbps: 5 })?.sentence).toContain('MAX_MBPS=5 cannot be heeded')
    expect(settingRefusal({ snaplen: 64, maxMbps: 0, sampleFlows: 1 })?.sentence).toContain(
      'SNAPLEN=64 and SAMPLE_FLOWS=1',
    )
  })

  it('given a path with just enough room, then it may; one byte less, and it may not', () => {
    expect(mtuRefusal(target('a'), 1550, 1500)).toBeUndefined()
    const refusal = mtuRefusal(target('a'), 1549, 1500)
    expect(refusal?.code).toBe('path_mtu')
    expect(refusal?.sentence).toContain(
      "give the path to the sensor 1550 bytes, or the pod's other routes an MTU of 1499",
    )
    expect(mtuRefusal(target('a', { family: 6 }), 1570, 1500)).toBeUndefined()
    expect(mtuRefusal(target('a', { family: 6 }), 1569, 1500)?.code).toBe('path_mtu')
  })

  it('given a sensor whose frames cross no wire, or perhaps none, then it may not', () => {
    expect(nodeRefusal(target('a'), place)).toBeUndefined()
    expect(nodeRefusal(target('a', { sameNode: true, cut: 'socket' }), place)?.code).toBe('same_node')
    expect(nodeRefusal(target('a'), { ...place, sharedKernel: true })?.code).toBe('shared_kernel')
    expect(nodeRefusal(target('a'), { ...place, nodeName: '' })?.code).toBe('node_unknown')
  })

  it('given a sensor by address, of which nothing is known, then it may', () => {
    const sensor = { kind: 'address', address: '192.0.2.1' } as const
    expect(nodeRefusal(target('a'), { sensor, nodeName: '', sharedKernel: true })).toBeUndefined()
  })

  it('given several sensors, then pods spread over them, and stay with theirs when another goes', () => {
    const all = ['a', 'b', 'c'].map((name) => target(name))
    const pods = Array.from({ length: 60 }, (_, index) => `shop/web-${index}`)
    const taken = new Map(pods.map((pod) => [pod, targetOf(all, pod)!.name]))
    expect(new Set(taken.values()).size).toBe(3)
    const left = all.filter(({ name }) => name !== 'b')
    for (const pod of pods) if (taken.get(pod) !== 'b') expect(targetOf(left, pod)!.name).toBe(taken.get(pod))
    expect(targetOf([], 'shop/web')).toBeUndefined()
  })
})

describe('a part that the kernel does not make', () => {
  function refusalOf(part: Parameters<typeof must>[1], errno: number) {
    try {
      must({ errno, said: 'its own words' }, part, 'cannot make it')
    } catch (error) {
      if (error instanceof PartError) return error.refusal
    }
    throw new Error('nothing was refused')
  }

  it.each([
    ['vxlan', 95, 'VXLAN devices (CONFIG_VXLAN)'],
    ['clsact', 2, 'qdisc clsact (CONFIG_NET_SCH_INGRESS)'],
    ['filter', 2, 'filter cls_bpf (CONFIG_NET_CLS_BPF)'],
    ['mirror', 2, 'action act_mirred (CONFIG_NET_ACT_MIRRED)'],
  ] as const)('given that it knows no %s, then that is named, and the kernel’s own words', (part, errno, named) => {
    const { code, sentence } = refusalOf(part, errno)
    expect(code).toBe('no_kernel_support')
    expect(sentence).toContain(`this kernel has no ${named}`)
    expect(sentence).toContain('its own words')
  })

  it('given that it is not allowed, then NET_ADMIN is named', () => {
    expect(refusalOf('vxlan', 1).sentence).toContain('the capability NET_ADMIN is missing')
  })

  it('given any other error, then what was being done and the error are', () => {
    expect(refusalOf('vxlan', 17).sentence).toContain('cannot make it (its own words): netlink failed with EEXIST')
    expect(refusalOf('link', 2).code).toBe('kernel_refused')
  })
})
