/** `vxtap status`: every pod that asks for a tap, whether it has one, why not, and how its sidecar is. */
import { exitCodes } from '../contract/exit-codes.ts'
import { notesOnAsking, withHealth } from './ask-sidecars.ts'
import type { Connection } from './connect.ts'
import { learn } from './knowledge.ts'
import type { CommonOptions, Output } from './options.ts'
import { reportPods } from './pods.ts'
import { format, hasBlindSpots, type StatusReport, summaryOf } from './report.ts'
import { statusText } from './status-text.ts'

export interface StatusOptions extends CommonOptions {
  readonly allNamespaces: boolean
  readonly failOnBlindSpots: boolean
}

/** @returns the exit code @throws {Problem} */
export async function status(options: StatusOptions, connection: Connection, output: Output): Promise<number> {
  const namespace = options.allNamespaces ? undefined : (options.namespace ?? connection.namespace)
  const knowledge = await learn(connection, namespace, options.injectorNamespace, options.version)
  const found = await reportPods(
    connection,
    namespace,
    knowledge,
    () => true,
    ({ tap, ended }) => tap !== 'not_asked' && !ended,
  )
  const pods = options.health ? await withHealth(connection.rest, found, options.timeoutMs) : found
  const report: StatusReport = {
    format,
    injector: knowledge.injector ?? null,
    summary: summaryOf(pods),
    pods,
    notes: [...knowledge.notes, ...notesOnAsking(pods)],
  }
  const scope = namespace === undefined ? 'in the cluster' : `in the namespace ${namespace}`
  output.write(
    options.output === 'json' ? `${JSON.stringify(report, undefined, 2)}\n` : statusText(report, scope, output.colours),
  )
  return options.failOnBlindSpots && hasBlindSpots(report.summary) ? exitCodes.blindSpots.code : exitCodes.ok.code
}
