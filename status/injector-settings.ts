/**
 * The injector's settings, read from its Deployment the way that it reads them itself: from its environment, and from the
 * file that its ConfigMap holds. Pure.
 */
import { notOverridableByDefault, overridable } from '../contract/annotations.ts'
import { readInjectorSettings } from '../contract/injector-settings.ts'
import type { Environment } from '../contract/setting.ts'
import { configFrom } from '../injector/configuration.ts'
import { elementsAt, type Json, member, textAt } from '../injector/json.ts'
import type { InjectionConfig } from '../injector/plan.ts'
import { settingsParser } from '../injector/settings-file.ts'
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

/** Which ConfigMap has the file of settings, under which key; undefined where none is mounted. */
export interface SettingsSource {
  readonly configMap: string
  readonly key: string
}

export function settingsSource(deployment: Json): SettingsSource | undefined {
  const { SETTINGS_FILE: file = '' } = environmentOf(deployment)
  const cut = file.lastIndexOf('/')
  const mounts = elementsAt(injectorContainer(deployment), 'volumeMounts')
  const mount = mounts.find((candidate) => textAt(candidate, 'mountPath') === file.slice(0, cut))
  const volumes = elementsAt(deployment, 'spec', 'template', 'spec', 'volumes')
  const volume = volumes.find((candidate) => textAt(candidate, 'name') === textAt(mount, 'name'))
  const configMap = textAt(volume, 'configMap', 'name')
  return configMap === undefined ? undefined : { configMap, key: file.slice(cut + 1) }
}

/** @param file what the settings' file holds; undefined: there is none, or it cannot be read */
export function configOf(deployment: Json, file: string | undefined): ReadConfig {
  const { namespace, name, version } = injectorSeen(deployment)
  const environment = environmentOf(deployment)
  const read = file === undefined ? undefined : settingsParser(environment)(Buffer.from(file), 'the ConfigMap')
  const result = read ?? readInjectorSettings(environment)
  if (result.ok) return { ok: true, config: configFrom('value' in result ? result.value : result.settings, version) }
  const notes = result.problems.map(
    (problem) => `the settings of ${namespace}/${name}: ${problem}; the defaults are assumed`,
  )
  return { ok: false, notes }
}

function injectorContainer(deployment: Json): Json {
  const containers = elementsAt(deployment, 'spec', 'template', 'spec', 'containers')
  return containers.find((container) => elementsAt(container, 'args').includes('injector')) ?? containers[0] ?? null
}

function environmentOf(deployment: Json): Environment {
  const environment: Record<string, string> = { POD_NAMESPACE: textAt(deployment, 'metadata', 'namespace') ?? '' }
  for (const variable of elementsAt(injectorContainer(deployment), 'env')) {
    const value = textAt(variable, 'value')
    if (value !== undefined) environment[textAt(variable, 'name') ?? ''] = value
  }
  return environment
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
