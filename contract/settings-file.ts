/**
 * The settings that the injector also reads from a file, and takes up while it runs: the operator's policy. Keys are
 * those of the Helm values; what each may be is in the tables of the annotations and of the injector's settings.
 */
import { type AnnotationSetting, annotationSettings } from './annotations.ts'
import { defaultVariable, injectorSettings } from './injector-settings.ts'
import type { Setting } from './setting.ts'

/** Besides `defaults`. */
export const fileSettings = {
  allowedOverrides: injectorSettings.allowedOverrides,
  excludedNamespaces: injectorSettings.excludedNamespaces,
  podSecurity: injectorSettings.podSecurity,
  podSecurityDefault: injectorSettings.podSecurityDefault,
  imagePullPolicy: injectorSettings.imagePullPolicy,
  logLevel: injectorSettings.logLevel,
} as const satisfies Record<string, Setting<unknown> & { readonly env: string }>

/** Under it: the operator's default of each annotation, by the annotation's name without the prefix. */
export const defaultsKey = 'defaults'

export interface FileSetting {
  /** As it is written in the file: `podSecurity`, or `defaults.vni`. */
  readonly path: string
  /** The variable that it stands in for. */
  readonly variable: string
  readonly setting: Setting<unknown>
}

/** By path. */
export const settingsOfFile: ReadonlyMap<string, FileSetting> = new Map(
  [
    ...Object.entries(fileSettings).map(([key, setting]) => ({ path: key, variable: setting.env, setting })),
    ...[...annotationSettings].map(([name, setting]: [string, AnnotationSetting]) => ({
      path: `${defaultsKey}.${name}`,
      variable: defaultVariable(name),
      setting,
    })),
  ].map((entry) => [entry.path, entry]),
)
