/** What decisions depend on besides the pod: the injector's settings, namespaces and nodes, as far as the user may read them. */

import { nativeEverywhere } from '../injector/cluster/kubelet-version.ts'
import { eachPage } from '../injector/cluster/pages.ts'
import { ApiError } from '../injector/cluster/rest.ts'
import { elementsAt, type Json, objectAt, textAt } from '../injector/json.ts'
import type { ClusterFacts, InjectionConfig, NamespaceFacts } from '../injector/plan.ts'
import type { Connection } from './connect.ts'
import { assumedConfig, configOf, injectorSeen, type ReadConfig, settingsSource } from './injector-settings.ts'
import { problemOf } from './problem.ts'
import type { InjectorSeen } from './report.ts'

export interface Knowledge {
  readonly injector: InjectorSeen | undefined
  readonly config: InjectionConfig
  readonly facts: ClusterFacts
  /** Whether the webhook configuration has an entry for pods' annotations. */
  readonly annotationsSeen: boolean
  namespace(name: string): NamespaceFacts
  readonly notes: readonly string[]
}

const injectorSelector = 'app.kubernetes.io/name=vxtap,app.kubernetes.io/component=injector'

/**
 * @param namespace undefined for all of them
 * @throws {Problem} where the namespace, or the list of them, cannot be read; for the rest assumptions are noted
 */
export async function learn(
  connection: Connection,
  namespace: string | undefined,
  injectorNamespace: string | undefined,
  version: string,
): Promise<Knowledge> {
  const notes: string[] = []
  const [namespaces, nodes, deployments, webhooks, policies] = await Promise.all([
    readNamespaces(connection, namespace),
    readOr(connection, '/api/v1/nodes', undefined, () =>
      notes.push('the nodes cannot be read (needs: list nodes), so whether they have native sidecars is not known'),
    ),
    readOr(connection, deploymentsPath(injectorNamespace), injectorSelector, () => undefined),
    readOr(connection, webhookPath, 'app.kubernetes.io/name=vxtap', () => undefined),
    // The chart's injection.mode=policy; before 1.36 the API server knows no such thing.
    readOr(connection, policyPath, 'app.kubernetes.io/name=vxtap', () => undefined),
  ])
  const deployment = deployments === undefined ? undefined : chosen(deployments, notes)
  const injector = deployment === undefined ? undefined : injectorSeen(deployment)
  const read = deployment === undefined ? undefined : await settingsOf(connection, deployment)
  if (deployments === undefined) {
    notes.push(
      'the injector cannot be looked for (needs: list deployments.apps; --injector-namespace looks in one namespace only), so the default settings are assumed',
    )
  } else if (deployment === undefined && policies?.length) {
    notes.push('pods are tapped by a policy of the API server, without an injector; the default settings are assumed')
  } else if (deployment === undefined) {
    notes.push(
      `no injector is installed${injectorNamespace ? ` in the namespace ${injectorNamespace}` : ''}: no pod gets a tap`,
    )
  } else if (injector?.ready === 0) {
    notes.push(`no injector is ready (0 of ${injector.replicas}): pods created now start untapped`)
  }
  if (read !== undefined && !read.ok) notes.push(...read.notes)
  if (deployment !== undefined && webhooks?.length === 0) {
    notes.push(
      'there is no MutatingWebhookConfiguration of vxtap: the API server does not ask the injector about any pod',
    )
  }
  return {
    injector,
    config: read?.ok ? read.config : assumedConfig(injector?.version ?? version),
    facts: { nativeSidecars: nodes === undefined ? 'unknown' : nativeEverywhere(kubeletVersions(nodes)) },
    annotationsSeen: !webhooks?.length || webhooks.some(hasConditions),
    namespace: (name) => namespaces.get(name) ?? { name, labels: undefined, annotations: undefined },
    notes,
  }
}

const webhookPath = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations'

const policyPath = '/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies'

const deploymentsPath = (namespace: string | undefined): string =>
  namespace === undefined ? '/apis/apps/v1/deployments' : `/apis/apps/v1/namespaces/${namespace}/deployments`

// Only the entry for annotations has conditions.
const hasConditions = (configuration: Json): boolean =>
  elementsAt(configuration, 'webhooks').some((webhook) => elementsAt(webhook, 'matchConditions').length > 0)

async function readNamespaces(
  { rest, server }: Connection,
  namespace: string | undefined,
): Promise<ReadonlyMap<string, NamespaceFacts>> {
  const found = new Map<string, NamespaceFacts>()
  const take = (object: Json): void => {
    const name = textAt(object, 'metadata', 'name') ?? ''
    const metadata = objectAt(object, 'metadata')
    found.set(name, { name, labels: objectAt(metadata, 'labels'), annotations: objectAt(metadata, 'annotations') })
  }
  try {
    if (namespace === undefined) await eachPage(rest, '/api/v1/namespaces', {}, (page) => page.forEach(take))
    else take(await rest.get(`/api/v1/namespaces/${namespace}`))
    return found
  } catch (error) {
    const verb = namespace === undefined ? 'list' : 'get'
    const attempt = { verb, resource: 'namespaces', ...(namespace === undefined ? {} : { namespace }) } as const
    throw problemOf(error, attempt, server)
  }
}

async function settingsOf({ rest }: Connection, deployment: Json): Promise<ReadConfig> {
  const source = settingsSource(deployment)
  if (source === undefined) return configOf(deployment, undefined)
  const { namespace } = injectorSeen(deployment)
  try {
    const configMap = await rest.get(`/api/v1/namespaces/${namespace}/configmaps/${source.configMap}`)
    return configOf(deployment, textAt(configMap, 'data', source.key))
  } catch (error) {
    const forbidden = error instanceof ApiError && error.status === 403
    const why = forbidden ? 'needs: get configmaps' : error instanceof Error ? error.message : String(error)
    const name = `${namespace}/${source.configMap}`
    return {
      ok: false,
      notes: [`the ConfigMap ${name} with the injector's settings cannot be read (${why}); the defaults are assumed`],
    }
  }
}

/** @returns undefined where it may not be read, or does not exist @throws {Problem} for everything else */
async function readOr(
  { rest, server }: Connection,
  path: string,
  labelSelector: string | undefined,
  refused: () => unknown,
): Promise<readonly Json[] | undefined> {
  const found: Json[] = []
  const asking = labelSelector === undefined ? {} : { labelSelector }
  try {
    await eachPage(rest, path, asking, (page) => found.push(...page))
    return found
  } catch (error) {
    if (error instanceof ApiError && [403, 404].includes(error.status)) {
      refused()
      return undefined
    }
    throw problemOf(error, { verb: 'list', resource: path.split('/').at(-1) ?? '' }, server)
  }
}

/** Where there are several, the one with the most pods that are ready. */
function chosen(deployments: readonly Json[], notes: string[]): Json | undefined {
  const ready = (deployment: Json): number => injectorSeen(deployment).ready
  const [first, ...others] = [...deployments].sort((a, b) => ready(b) - ready(a))
  if (first !== undefined && others.length > 0) {
    const { namespace, name } = injectorSeen(first)
    notes.push(`there are ${others.length + 1} injectors; the settings are those of ${namespace}/${name}`)
  }
  return first
}

/** Of the nodes that run Linux pods. */
const kubeletVersions = (nodes: readonly Json[]): string[] =>
  nodes.flatMap((node) => {
    const info = objectAt(node, 'status', 'nodeInfo')
    const version = textAt(info, 'kubeletVersion')
    return (textAt(info, 'operatingSystem') ?? 'linux') === 'linux' && version ? [version] : []
  })
