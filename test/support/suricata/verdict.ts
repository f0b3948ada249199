/** What a sensor must have seen that sits behind a tap which shows it every packet of the wire. Pure. */
import type { Seen } from './eve.ts'

export interface Check {
  readonly passed: boolean
  readonly sentence: string
}

export const check = (who: string, what: string, value: number, allowed: string, passed: boolean): Check => ({
  passed,
  sentence: `${who}: ${what} ${value}, expected ${allowed}`,
})

export const exactly = (who: string, what: string, value: number, expected: number): Check =>
  check(who, what, value, String(expected), value === expected)

export const atMost = (who: string, what: string, value: number, most: number): Check =>
  check(who, what, value, `at most ${most}`, value <= most)

/**
 * Of a segment that is sent again: the sidecar may cut it in two, and Suricata tell of each that it was there before, and
 * that it is below what was acknowledged (stream-tcp.c).
 */
const odditiesOfOne = 4

/**
 * @param who begins each sentence
 * @param retransmitted segments that the transfers' two ends have sent again, by their kernels' own count: on a busy
 *   machine TCP does, and the sensor must see it; any more would be frames that the tap handed over twice
 */
export const seesEverything = (who: string, seen: Seen, transfers: number, retransmitted: number): Check[] => [
  exactly(who, 'HTTP transactions (status 200 and the length)', seen.transactions, transfers),
  exactly(who, 'transactions logged again', seen.repeated, 0),
  exactly(who, 'bodies whole (length and SHA-256)', seen.wholeBodies, transfers),
  exactly(who, "alerts on a body's last bytes", seen.alerts, transfers),
  exactly(who, 'checksums called invalid', seen.invalidChecksums, 0),
  exactly(who, 'gaps in streams', seen.gaps, 0),
  atMost(who, 'oddities in streams', seen.oddities, retransmitted * odditiesOfOne),
  exactly(who, 'packets not decodable', seen.invalidPackets, 0),
  exactly(who, 'packets lost by the sensor', seen.lostBySensor, 0),
]
