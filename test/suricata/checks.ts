/** What the runs must show. Pure. */
import type { Outcome } from './scenario.ts'

export interface Check {
  readonly passed: boolean
  readonly sentence: string
}

export interface Outcomes {
  readonly ours: Outcome
  readonly plain: Outcome
  /** The plain tap where nothing is offloaded, and nothing needs repair. */
  readonly control: Outcome
}

/** Were the plain tap to see more, or the control less, the comparison would claim what is not so. */
const plainSeesAtMost = 9
const controlMissesAtMost = 9

export function checks({ ours, plain, control }: Outcomes, transfers: number): Check[] {
  const check = ({ tap }: Outcome, what: string, value: number, allowed: string, passed: boolean): Check => ({
    passed,
    sentence: `${tap}: ${what} ${value}, expected ${allowed}`,
  })
  const exactly = (outcome: Outcome, what: string, value: number, expected: number) =>
    check(outcome, what, value, String(expected), value === expected)
  const atMost = (outcome: Outcome, what: string, value: number, most: number) =>
    check(outcome, what, value, `at most ${most}`, value <= most)
  const fewest = transfers - controlMissesAtMost
  return [
    exactly(ours, 'HTTP transactions', ours.transactions, transfers),
    exactly(ours, 'bodies whole (length and SHA-256)', ours.wholeBodies, transfers),
    exactly(ours, "alerts on a body's last bytes", ours.alerts, transfers),
    exactly(ours, 'checksums called invalid', ours.invalidChecksums, 0),
    exactly(ours, 'packets not decodable', ours.invalidPackets, 0),
    ...[ours, plain, control].map((each) => exactly(each, 'packets lost by the sensor', each.lostBySensor, 0)),
    atMost(plain, 'HTTP transactions', plain.transactions, plainSeesAtMost),
    atMost(plain, 'bodies whole', plain.wholeBodies, plainSeesAtMost),
    check(plain, 'checksums called invalid', plain.invalidChecksums, 'thousands', plain.invalidChecksums >= 1000),
    check(control, 'bodies whole', control.wholeBodies, `at least ${fewest}`, control.wholeBodies >= fewest),
  ]
}
