/**
 * Who leads, by a Lease (coordination.k8s.io/v1). Pure. A holder is taken to be alive for the lease's duration after its
 * record was last *seen* to change: only the own clock counts, so clocks may differ
 * (client-go tools/leaderelection does the same). That two may lead for a moment is no harm: every write is made under
 * the version that was read.
 */
export interface LeaseRecord {
  /** Empty for nobody. */
  readonly holder: string
  readonly durationMs: number
  /** As the holder wrote it: looked at only for whether it changes. */
  readonly renewTime: string
}

export interface Observation {
  readonly record: LeaseRecord
  /** When this record was seen first, on a clock that only goes forward, milliseconds. */
  readonly since: number
}

export function observe(now: number, before: Observation | undefined, record: LeaseRecord): Observation {
  const same = before?.record.holder === record.holder && before.record.renewTime === record.renewTime
  return { record, since: same ? before.since : now }
}

/** Whether to write oneself into the lease: as its holder, or as the heir of one who has not been heard of. */
export function mayWrite(now: number, me: string, { record, since }: Observation): boolean {
  return record.holder === me || record.holder === '' || now - since >= record.durationMs
}
