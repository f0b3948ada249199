/** Pods, judged as they arrive: of each page only the reports are kept. */
import { printable } from '../contract/setting.ts'
import { judgePod } from '../injector/blind-spots/judge.ts'
import { eachPage } from '../injector/cluster/pages.ts'
import { isObject, type Json, type JsonObject, textAt } from '../injector/json.ts'
import { ownerOf } from '../injector/notice.ts'
import type { Connection } from './connect.ts'
import type { Knowledge } from './knowledge.ts'
import { problemOf } from './problem.ts'
import type { PodReport } from './report.ts'

/** Kind and name, where they are valid: an owner reference is its author's text. */
const longestOwner = 400

export function reportOn(pod: JsonObject, knowledge: Knowledge): PodReport {
  const namespace = textAt(pod, 'metadata', 'namespace') ?? ''
  const owner = ownerOf(pod)
  return {
    namespace,
    pod: textAt(pod, 'metadata', 'name') ?? '',
    owner: owner === undefined ? '' : printable(`${textAt(owner, 'kind')}/${textAt(owner, 'name')}`, longestOwner),
    phase: textAt(pod, 'status', 'phase') ?? '',
    created: textAt(pod, 'metadata', 'creationTimestamp') ?? '',
    ...judgePod(pod, knowledge.namespace(namespace), knowledge.facts, knowledge.config, knowledge.annotationsSeen),
  }
}

/**
 * @param namespace undefined for all of them
 * @param wanted which are judged
 * @param keep which of the judged are reported
 * @throws {Problem}
 */
export async function reportPods(
  { rest, server }: Connection,
  namespace: string | undefined,
  knowledge: Knowledge,
  wanted: (pod: JsonObject) => boolean,
  keep: (report: PodReport) => boolean,
): Promise<PodReport[]> {
  const path = namespace === undefined ? '/api/v1/pods' : `/api/v1/namespaces/${namespace}/pods`
  const reports: PodReport[] = []
  const take = (object: Json): void => {
    if (!isObject(object) || !wanted(object)) return
    const report = reportOn(object, knowledge)
    if (keep(report)) reports.push(report)
  }
  try {
    await eachPage(rest, path, {}, (page) => page.forEach(take))
  } catch (error) {
    throw problemOf(
      error,
      { verb: 'list', resource: 'pods', ...(namespace === undefined ? {} : { namespace }) },
      server,
    )
  }
  return reports.sort(byPlace)
}

const byPlace = (a: PodReport, b: PodReport): number => compare(a.namespace, b.namespace) || compare(a.pod, b.pod)

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
