/** What the injector's settings mean for its decisions. `vxtap why` and `vxtap status` read them from the Deployment. */
import type { InjectorSettings } from '../contract/injector-settings.ts'
import type { InjectionConfig } from './plan.ts'

export function configFrom(settings: InjectorSettings, version: string): InjectionConfig {
  const own = settings.podNamespace === '' ? [] : [settings.podNamespace]
  return {
    version,
    defaults: settings.defaults,
    allowedOverrides: settings.allowedOverrides,
    imagePullPolicy: settings.imagePullPolicy,
    excludedNamespaces: new Set([...settings.excludedNamespaces, ...own]),
    podSecurity: settings.podSecurity,
    podSecurityDefault: settings.podSecurityDefault,
    withoutOptIn: false,
  }
}
