import { describe, expect, it } from 'vitest'
import { bodyBytes, bodyOf, sha256, urlOf } from '../../support/suricata/content.ts'
import { readEve } from '../../support/suricata/eve.ts'

const stats = (invalidChecksums = 0, kernelDrops = 0, gaps = 0) => ({
  event_type: 'stats',
  stats: {
    capture: { kernel_packets: 10, kernel_drops: kernelDrops },
    decoder: { pkts: 10, invalid: 0 },
    tcp: { invalid_checksum: invalidChecksums, reassembly_gap: gaps },
  },
})
const http = (object: number, status = 200, length = bodyBytes) => ({
  event_type: 'http',
  http: { url: urlOf(object), status, length },
})
const file = (object: number, changes: object = {}) => ({
  event_type: 'fileinfo',
  http: { url: urlOf(object) },
  fileinfo: { state: 'CLOSED', size: bodyBytes, sha256: sha256(bodyOf(object)), ...changes },
})
const read = (...events: object[]) => readEve(`${events.map((event) => JSON.stringify(event)).join('\n')}\n`, 2, 80)

describe("what Suricata's log says of the transfers", () => {
  it('given every event of both transfers, when read, then both count as seen whole', () => {
    const alert = { event_type: 'alert', http: { url: urlOf(0) } }
    const seen = read(http(0), file(0), alert, http(1), file(1), stats())
    expect(seen).toMatchObject({ transactions: 2, wholeBodies: 2, alerts: 1, invalidChecksums: 0, packets: 10 })
  })

  it('given a transfer logged twice, and one that nobody made, when read, then neither adds to the count, and the first is told', () => {
    expect(read(http(0), http(0), file(0), file(0), http(7), file(7), stats())).toMatchObject({
      transactions: 1,
      repeated: 1,
      wholeBodies: 1,
    })
  })

  it.each([
    ['truncated', { state: 'TRUNCATED' }],
    ['too short', { size: bodyBytes - 1 }],
    ["another object's", { sha256: sha256(bodyOf(1)) }],
    ['never hashed', { sha256: undefined }],
  ])('given a body that is %s, when read, then it does not count as whole', (_, changes) => {
    expect(read(http(0), file(0, changes), stats()).wholeBodies).toBe(0)
  })

  it('given a response that failed, when read, then the transaction does not count', () => {
    expect(read(http(0, 404), stats()).transactions).toBe(0)
  })

  it('given a response of another length, when read, then the transaction does not count', () => {
    expect(read(http(0, 200, bodyBytes - 1), stats()).transactions).toBe(0)
  })

  it('given statistics of several moments, when read, then the last ones count', () => {
    expect(read(stats(1), stats(5, 2, 3))).toMatchObject({ invalidChecksums: 5, lostBySensor: 2, gaps: 3 })
  })

  it('given no statistics, when read, then it is an error and not a clean result', () => {
    expect(() => read(http(0), file(0))).toThrow(/no counter tcp\.invalid_checksum/)
  })

  it('given anomalies, when read, then each is counted under its own name, and as an oddity unless it is of one packet or of another connection', () => {
    const event = { event_type: 'anomaly', src_port: 80, dest_port: 40000 }
    const anomaly = { ...event, anomaly: { type: 'stream', event: 'stream.pkt_invalid_ack' } }
    const other = { ...anomaly, src_port: 443 }
    const packet = { ...event, anomaly: { type: 'decode', event: 'decoder.ipv6.zero_len_padn' } }
    const seen = read(anomaly, { ...anomaly, src_port: 40000, dest_port: 80 }, other, packet, stats())
    expect(seen.anomalies).toEqual({ 'stream.pkt_invalid_ack': 3, 'decoder.ipv6.zero_len_padn': 1 })
    expect(seen.oddities).toBe(2)
  })
})
