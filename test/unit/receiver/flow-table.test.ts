import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { endText } from '../../../receiver/address-text.ts'
import { FlowTable } from '../../../receiver/flow-table.ts'
import { anyVni, check } from '../../../receiver/strict.ts'
import { emptyVerdict } from '../../../receiver/verdict.ts'
import { buildFrame, destinationV6, place, sourceV6 } from '../../support/frames.ts'
import { arp, vxlan } from '../../support/vxlan-datagrams.ts'

function count(table: FlowTable, frame: ArrayLike<number>, vni = 1, faulty = false): void {
  const verdict = emptyVerdict()
  const { memory, at, length } = place(vxlan(Uint8Array.from(Array.from(frame)), vni))
  check(memory, at, length, anyVni, verdict)
  table.count(memory, verdict, faulty)
}

const there = { source: [10, 0, 0, 9], destination: [10, 0, 0, 2], sourcePort: 40000, destinationPort: 443 }
const back = { source: [10, 0, 0, 2], destination: [10, 0, 0, 9], sourcePort: 443, destinationPort: 40000 }

describe('FlowTable', () => {
  it('given both directions, counts them in one flow whose first end is the one heard first', () => {
    const table = new FlowTable(8)
    count(table, buildFrame(there).bytes)
    count(table, buildFrame(back).bytes)
    count(table, buildFrame(back).bytes, 1, true)
    const [flow, ...others] = table.top(10)
    expect(others).toEqual([])
    expect(flow).toMatchObject({
      ipVersion: 4,
      protocol: 6,
      framesAb: 1,
      framesBa: 2,
      bytes: 3 * 54,
      faults: 1,
      vni: 1,
    })
    expect(endText(flow!.a, flow!.aPort)).toBe('10.0.0.9:40000')
    expect(endText(flow!.b, flow!.bPort)).toBe('10.0.0.2:443')
  })

  it('keeps apart what differs in VNI, protocol, address or port', () => {
    const table = new FlowTable(16)
    count(table, buildFrame(there).bytes, 1)
    count(table, buildFrame(there).bytes, 2)
    count(table, buildFrame({ ...there, protocol: 17 }).bytes)
    count(table, buildFrame({ ...there, sourcePort: 40001 }).bytes)
    count(table, buildFrame({ ...there, source: [10, 0, 1, 9] }).bytes)
    count(table, buildFrame({ ...there, version: 6, source: sourceV6, destination: destinationV6 }).bytes)
    count(table, arp)
    expect(table.size).toBe(7)
  })

  it('given a frame that is not IP, names its ends by MAC address', () => {
    const table = new FlowTable(8)
    count(table, arp)
    const [flow] = table.top(1)
    expect(flow).toMatchObject({ ipVersion: 0, protocol: 0x0806 })
    expect([endText(flow!.a, flow!.aPort), endText(flow!.b, flow!.bPort)]).toEqual([
      '02:00:00:00:00:0a',
      'ff:ff:ff:ff:ff:ff',
    ])
  })

  it('when full, drops the flow that was silent longest, and counts it', () => {
    const table = new FlowTable(2)
    const frame = (port: number) => buildFrame({ ...there, sourcePort: port }).bytes
    count(table, frame(1))
    count(table, frame(2))
    count(table, frame(1))
    count(table, frame(3))
    expect(table.evicted).toBe(1)
    expect(
      table
        .top(9)
        .map((flow) => flow.aPort)
        .sort(),
    ).toEqual([1, 3])
    expect(table.top(1)[0]).toMatchObject({ aPort: 1, framesAb: 2 })
  })

  it('agrees with a Map that is kept in order of use', () => {
    const port = fc.nat({ max: 40 })
    fc.assert(
      fc.property(fc.array(fc.tuple(port, fc.boolean(), fc.boolean()), { maxLength: 300 }), (events) => {
        const table = new FlowTable(16)
        const model = new Map<number, { frames: number; faults: number }>()
        for (const [sourcePort, faulty, reversed] of events) {
          const ends = reversed ? { ...back, destinationPort: sourcePort } : { ...there, sourcePort }
          count(table, buildFrame(ends).bytes, 1, faulty)
          const known = model.get(sourcePort) ?? { frames: 0, faults: 0 }
          model.delete(sourcePort)
          if (known.frames === 0 && model.size === 16) model.delete(model.keys().next().value!)
          model.set(sourcePort, { frames: known.frames + 1, faults: known.faults + (faulty ? 1 : 0) })
        }
        const seen = table.top(100).map((flow) => {
          const place = flow.aPort === 443 ? flow.bPort : flow.aPort
          return [place, { frames: flow.framesAb + flow.framesBa, faults: flow.faults }] as const
        })
        expect(new Map(seen)).toEqual(model)
      }),
      { seed: 20261121, numRuns: 100 },
    )
  })
})
