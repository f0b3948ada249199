/** `vxtap why`: what was decided about a pod, or about the pods of an owner, and how their sidecars are. */
import { injectKey } from '../contract/annotations.ts'
import { exitCodes } from '../contract/exit-codes.ts'
import { judgePod } from '../injector/blind-spots/judge.ts'
import { eachPage } from '../injector/cluster/pages.ts'
import { isObject, type Json, type JsonObject, member, objectAt } from '../injector/json.ts'
import { podsIn } from '../injector/manifest/templates.ts'
import { plan } from '../injector/plan.ts'
import { notesOnAsking, withHealth } from './ask-sidecars.ts'
import type { Connection } from './connect.ts'
import { type Knowledge, learn } from './knowledge.ts'
import type { CommonOptions, Output } from './options.ts'
import { reportOn, reportPods } from './pods.ts'
import { Problem, problemOf } from './problem.ts'
import { format, type PodReport } from './report.ts'
import { belongs, jobsOf, pathOf, resourceOf, type Subject, subjectOf } from './subject.ts'
import { closingText, whyText } from './why-text.ts'

export interface WhyOptions extends CommonOptions {
  readonly subject: readonly string[]
}

/** @returns the exit code @throws {Problem} */
export async function why(options: WhyOptions, connection: Connection, output: Output): Promise<number> {
  const subject = subjectOf(options.subject)
  const namespace = options.namespace ?? connection.namespace
  const knowledge = await learn(connection, namespace, options.injectorNamespace, options.version)
  const object = await readSubject(subject, namespace, connection)
  const found =
    subject.kind === 'Pod' && isObject(object)
      ? [reportOn(object, knowledge)]
      : await podsOf(subject, namespace, connection, knowledge)
  const template = found.length === 0 ? templateOf(object, namespace, knowledge) : undefined
  if (template === undefined && found.length === 0) {
    throw new Problem('failure', `no pod of ${subject.kind}/${subject.name} is in the namespace ${namespace}`)
  }
  const pods = options.health ? await withHealth(connection.rest, found, options.timeoutMs) : found
  const notes = [...knowledge.notes, ...notesOnAsking(pods), ...misplaced(object, subject)]
  if (options.output === 'json') {
    const { injector } = knowledge
    output.write(
      `${JSON.stringify({ format, injector: injector ?? null, pods, template: template ?? null, notes }, undefined, 2)}\n`,
    )
    return exitCodes.ok.code
  }
  for (const pod of pods)
    output.write(whyText(`pod ${pod.namespace}/${pod.pod}`, pod, knowledge.injector, output.colours))
  if (template !== undefined) {
    output.write(
      `${subject.kind} ${namespace}/${subject.name} has no pods; this is what one of its template would get.\n`,
    )
    output.write(whyText('pod of the template', template, knowledge.injector, output.colours))
  }
  output.write(closingText(knowledge.injector, notes))
  return exitCodes.ok.code
}

async function readSubject(
  subject: Subject,
  namespace: string,
  { rest, server }: Connection,
): Promise<Json | undefined> {
  const path = pathOf(subject, namespace)
  if (path === undefined) return undefined
  try {
    return await rest.get(path)
  } catch (error) {
    const problem = problemOf(error, { verb: 'get', resource: resourceOf(subject), namespace }, server)
    throw problem.message.endsWith('not found')
      ? new Problem('failure', `${problem.message} in the namespace ${namespace}`)
      : problem
  }
}

async function podsOf(
  subject: Subject,
  namespace: string,
  connection: Connection,
  knowledge: Knowledge,
): Promise<PodReport[]> {
  const jobs = subject.kind === 'CronJob' ? await readJobs(subject.name, namespace, connection) : new Set<string>()
  return reportPods(
    connection,
    namespace,
    knowledge,
    (pod) => belongs(pod, subject, jobs),
    () => true,
  )
}

async function readJobs(
  cronJob: string,
  namespace: string,
  { rest, server }: Connection,
): Promise<ReadonlySet<string>> {
  const jobs: Json[] = []
  try {
    await eachPage(rest, `/apis/batch/v1/namespaces/${namespace}/jobs`, {}, (page) => jobs.push(...page))
  } catch (error) {
    throw problemOf(error, { verb: 'list', resource: 'jobs.batch', namespace }, server)
  }
  return jobsOf(jobs, cronJob)
}

/** What a pod made of it would get; the decision of the webhook, before there is a pod. */
function templateOf(object: Json | undefined, namespace: string, knowledge: Knowledge): PodReport | undefined {
  const template = object === undefined ? undefined : podsIn(object)[0]?.pod
  if (template === undefined) return undefined
  const pod = { ...template, metadata: objectAt(template, 'metadata') } as JsonObject
  const standing = judgePod(
    pod,
    knowledge.namespace(namespace),
    knowledge.facts,
    knowledge.config,
    knowledge.annotationsSeen,
  )
  const report = { namespace, pod: '', owner: '', phase: '', created: '', ...standing }
  if (standing.reason !== 'started_without_injector') return report
  const { reason, sentence } = plan(pod, knowledge.namespace(namespace), knowledge.facts, knowledge.config)
  return { ...report, tap: 'tapped', reason, sentence, remedy: '' }
}

/** The label on the workload itself does nothing, and is where people put it. */
function misplaced(object: Json | undefined, { kind }: Subject): string[] {
  const place = object === undefined ? undefined : podsIn(object)[0]
  if (kind === 'Pod' || place === undefined || place.path.length === 0) return []
  const own = member(objectAt(place.metadata, 'labels'), injectKey)
  const ofTemplate = member(objectAt(place.pod, 'metadata', 'labels'), injectKey)
  return own === undefined || ofTemplate !== undefined
    ? []
    : [`the label ${injectKey} is on the ${kind} itself; it belongs in ${place.path.join('.')}.metadata.labels`]
}
