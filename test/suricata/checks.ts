/** What the runs must show. Pure. */
import { atMost, type Check, check, exactly, seesEverything } from '../support/suricata/verdict.ts'
import type { Outcome } from './scenario.ts'

export interface Outcomes {
  readonly ours: Outcome
  readonly plain: Outcome
  /** The plain tap where nothing is offloaded, and nothing needs repair. */
  readonly control: Outcome
  /** Ours in batches (BATCH=gso), towards a sensor that is not prepared for them. */
  readonly unprepared: Outcome
  /** The same towards one that is. */
  readonly prepared: Outcome
}

/** Were the plain tap or the unprepared sensor to see more, or the control less, the comparison would claim what is not so. */
const plainSeesAtMost = 9
const unpreparedSeesAtMost = 9
const controlMissesAtMost = 9

export function checks({ ours, plain, control, unprepared, prepared }: Outcomes, transfers: number): Check[] {
  const fewest = transfers - controlMissesAtMost
  return [
    ...[ours, prepared].flatMap((each) => seesEverything(each.tap, each, transfers, each.retransmitted)),
    atMost(unprepared.tap, 'bodies whole', unprepared.wholeBodies, unpreparedSeesAtMost),
    ...[plain, control].map((each) => exactly(each.tap, 'packets lost by the sensor', each.lostBySensor, 0)),
    atMost(plain.tap, 'HTTP transactions', plain.transactions, plainSeesAtMost),
    atMost(plain.tap, 'bodies whole', plain.wholeBodies, plainSeesAtMost),
    check(plain.tap, 'checksums called invalid', plain.invalidChecksums, 'thousands', plain.invalidChecksums >= 1000),
    check(control.tap, 'bodies whole', control.wholeBodies, `at least ${fewest}`, control.wholeBodies >= fewest),
  ]
}
