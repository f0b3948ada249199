/** Reads Suricata's EVE log: how much of what was transferred did the sensor see? Pure. */
import { bodyBytes, bodyOf, sha256, urlOf } from './content.ts'

export interface Seen {
  /** Distinct objects whose HTTP request and response, with status 200 and the body's length, the sensor logged. */
  readonly transactions: number
  /** Transactions that it logged again, which it does when it takes one connection for two. */
  readonly repeated: number
  /** Of those, the bodies that it saw to the end, of the right length and SHA-256. */
  readonly wholeBodies: number
  /** Distinct objects for which its rule on the last bytes of the body fired. */
  readonly alerts: number
  /** Packets that it ignored for their TCP checksum. */
  readonly invalidChecksums: number
  /** Holes in streams, which it gave up waiting for. */
  readonly gaps: number
  /** Packets that it could not decode. */
  readonly invalidPackets: number
  readonly packets: number
  /** Packets that its own capture lost: when this is not 0, the machine was too slow and the run proves nothing. */
  readonly lostBySensor: number
  /**
   * How often it found a connection with the web server odd: segments seen before or out of their window, answers without
   * a question. Other connections may have begun before the tap.
   */
  readonly oddities: number
  /** What it found odd in packets and streams, by its own names. */
  readonly anomalies: Readonly<Record<string, number>>
}

interface EveEvent {
  readonly event_type: string
  readonly src_port?: number
  readonly dest_port?: number
  readonly http?: { readonly url?: string; readonly status?: number; readonly length?: number }
  readonly fileinfo?: { readonly state?: string; readonly size?: number; readonly sha256?: string }
  readonly anomaly?: { readonly event?: string; readonly type?: string }
  readonly stats?: unknown
}

/**
 * A counter of the stats event by its dotted name. Suricata writes those that are 0 too, so one that is not there is
 * misnamed, and must not pass for 0.
 */
function counter(stats: unknown, name: string): number {
  let value: unknown = stats
  for (const key of name.split('.')) value = (value as Record<string, unknown> | undefined)?.[key]
  if (typeof value !== 'number') throw new Error(`Suricata's statistics have no counter ${name}`)
  return value
}

/**
 * @param port of the web server
 * @throws Error for a log without final statistics
 */
export function readEve(text: string, transfers: number, port: number): Seen {
  const events = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as EveEvent)
  const expected = new Map(Array.from({ length: transfers }, (_, object) => [urlOf(object), object]))
  const objectsOf = (type: string, wanted: (event: EveEvent, object: number) => boolean): number => {
    const found = new Set<number>()
    for (const event of events) {
      const object = expected.get(event.http?.url ?? '')
      if (event.event_type === type && object !== undefined && wanted(event, object)) found.add(object)
    }
    return found.size
  }
  const logged = events.filter(({ event_type, http }) => event_type === 'http' && expected.has(http?.url ?? ''))
  const anomalies: Record<string, number> = {}
  let oddities = 0
  for (const { event_type, anomaly, src_port, dest_port } of events) {
    if (event_type !== 'anomaly') continue
    if (anomaly?.type !== 'decode' && (src_port === port || dest_port === port)) oddities++
    const name = anomaly?.event ?? anomaly?.type ?? 'unnamed'
    anomalies[name] = (anomalies[name] ?? 0) + 1
  }
  // Counters only grow; the last event is written when Suricata ends.
  const stats = events.findLast((event) => event.event_type === 'stats')?.stats
  return {
    transactions: objectsOf('http', ({ http }) => http?.status === 200 && http.length === bodyBytes),
    repeated: logged.length - new Set(logged.map(({ http }) => http?.url)).size,
    wholeBodies: objectsOf(
      'fileinfo',
      ({ fileinfo }, object) =>
        fileinfo?.state === 'CLOSED' && fileinfo.size === bodyBytes && fileinfo.sha256 === sha256(bodyOf(object)),
    ),
    alerts: objectsOf('alert', () => true),
    invalidChecksums: counter(stats, 'tcp.invalid_checksum'),
    gaps: counter(stats, 'tcp.reassembly_gap'),
    invalidPackets: counter(stats, 'decoder.invalid'),
    packets: counter(stats, 'decoder.pkts'),
    lostBySensor: counter(stats, 'capture.kernel_drops'),
    oddities,
    anomalies,
  }
}
