/** The injector's settings, read from its Deployment the way that it reads them itself: from its environment. Pure. */
import { notOverridableByDefault, overridable } from '../contract/annotations.ts'
import { readInjectorSettings } from '../contract/injector-settings.ts'
import { configFrom } from '../injector/configuration.ts'
import { elementsAt, type Json, member, textAt } from '../injector/json.ts'
import type { InjectionConfig } from '../injector/plan.ts'
import type { InjectorSeen } from './report.ts'

export type ReadConfig =
  | { readonly ok: true; readonly config: InjectionConfig }
  | { readonly ok: false; readonly notes: readonly string[] }

export function injectorSeen(deployment: Json): InjectorSeen {
  const number = (...names: [string, string]): number => {
    const value = member(member(deployment, names[0]), names[1])
    return typeof value === 'number' ? value : 0
  }
  return {
    namespace: textAt(deployment, 'metadata', 'namespace') ?? '',
    name: textAt(deployment, 'metadata', 'name') ?? '',
    version: textAt(deployment, 'metadata', 'labels', 'app.kubernetes.io/version') ?? '',
    replicas: number('spec', 'replicas'),
    ready: number('status', 'readyReplicas'),
    created: textAt(deployment, 'metadata', 'creationTimestamp') ?? '',
  }
}

export function configOf(deployment: Json): ReadConfig {
  const { namespace, name, version } = injectorSeen(deployment)
  const containers = elementsAt(deployment, 'spec', 'template', 'spec', 'containers')
  const injector = containers.find((container) => elementsAt(container, 'args').includes('injector')) ?? containers[0]
  const environment: Record<string, string> = { POD_NAMESPACE: namespace }
  for (const variable of elementsAt(injector ?? null, 'env')) {
    const value = textAt(variable, 'value')
    if (value !== undefined) environment[textAt(variable, 'name') ?? ''] = value
  }
  const read = readInjectorSettings(environment)
  if (read.ok) return { ok: true, config: configFrom(read.settings, version) }
  const notes = read.problems.map(
    (problem) => `the settings of ${namespace}/${name}: ${problem}; the defaults are assumed`,
  )
  return { ok: false, notes }
}

/** Where they cannot be read: nothing is refused for a default that may well be set. */
export function assumedConfig(version: string): InjectionConfig {
  return {
    version,
    defaults: { image: 'vxtap', sensor: 'sensor' },
    allowedOverrides: new Set(overridable.filter((name) => !notOverridableByDefault.includes(name))),
    imagePullPolicy: 'IfNotPresent',
    excludedNamespaces: new Set(['kube-system', 'kube-public', 'kube-node-lease']),
    podSecurity: 'skip',
    podSecurityDefault: 'privileged',
    withoutOptIn: false,
  }
}
