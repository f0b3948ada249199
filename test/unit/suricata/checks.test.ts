import { describe, expect, it } from 'vitest'
import { checks, type Outcomes } from '../../suricata/checks.ts'
import type { Outcome } from '../../suricata/scenario.ts'

const whole: Outcome = {
  tap: 'tap',
  account: '',
  retransmitted: 0,
  transactions: 200,
  repeated: 0,
  wholeBodies: 200,
  alerts: 200,
  invalidChecksums: 0,
  gaps: 0,
  invalidPackets: 0,
  packets: 1,
  lostBySensor: 0,
  oddities: 0,
  anomalies: {},
}
const blind: Outcome = { ...whole, transactions: 0, wholeBodies: 0, alerts: 0, invalidChecksums: 4700 }
const failures = (changes: Partial<Record<keyof Outcomes, Partial<Outcome>>>) =>
  checks(
    {
      ours: { ...whole, ...changes.ours },
      plain: { ...blind, ...changes.plain },
      control: { ...whole, ...changes.control },
      unprepared: { ...blind, ...changes.unprepared },
      prepared: { ...whole, ...changes.prepared },
    },
    200,
  ).filter(({ passed }) => !passed).length

describe('the verdict on the Suricata runs', () => {
  it('given what is expected, when judged, then nothing fails', () => {
    expect(failures({})).toBe(0)
  })

  it('given a segment that TCP itself sent again, when judged, then that the sensor saw it is no fault', () => {
    expect(failures({ ours: { oddities: 4, retransmitted: 1 } })).toBe(0)
  })

  it.each([
    ['a transaction that our sidecar lost', { ours: { transactions: 199 } }],
    ['a transaction of ours that was logged twice', { ours: { repeated: 1 } }],
    ['a gap in a stream of ours', { ours: { gaps: 1 } }],
    ['an oddity in a stream of ours', { ours: { oddities: 1 } }],
    ['more oddities than one segment sent again may be', { ours: { oddities: 5, retransmitted: 1 } }],
    ['a body of ours that is not whole', { ours: { wholeBodies: 199 } }],
    ['an alert that did not come', { ours: { alerts: 199 } }],
    ['one checksum of ours called invalid', { ours: { invalidChecksums: 1 } }],
    ['one packet of ours that cannot be decoded', { ours: { invalidPackets: 1 } }],
    ['a sensor too slow for our tap', { ours: { lostBySensor: 1 } }],
    ['a sensor too slow for the plain tap', { plain: { lostBySensor: 1 } }],
    ['a plain tap that sees ten transactions', { plain: { transactions: 10 } }],
    ['a plain tap that is blind for another reason than checksums', { plain: { invalidChecksums: 999 } }],
    ['a body that a prepared sensor lacks', { prepared: { wholeBodies: 199 } }],
    ['a sensor that needs no preparation', { unprepared: { wholeBodies: 10 } }],
    ['a plain tap that sees little even without offloading', { control: { wholeBodies: 190 } }],
  ])('given %s, when judged, then exactly that check fails', (_, changes) => {
    expect(failures(changes)).toBe(1)
  })
})
