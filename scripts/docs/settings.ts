/** The configuration reference, from the tables of settings. */
import {
  annotationPrefix,
  injectorAnnotations,
  injectSetting,
  notOverridableByDefault,
  sensorAnnotations,
} from '../../contract/annotations.ts'
import { exitCodes } from '../../contract/exit-codes.ts'
import { defaultVariable, injectorSettings } from '../../contract/injector-settings.ts'
import type { Setting } from '../../contract/setting.ts'
import { defaultsKey, fileSettings } from '../../contract/settings-file.ts'
import { sidecarSettings } from '../../contract/sidecar-settings.ts'
import { code, sentence, table } from './markdown.ts'

type Named = Setting<unknown>

const all = (settings: Record<string, Named>): Named[] => Object.values(settings)

function shownDefault(setting: Named): string {
  if (setting.defaultShown !== undefined) return setting.defaultShown
  if (setting.default === undefined) return 'required'
  return setting.default === '' ? 'empty' : code(setting.default)
}

/** Words that are values keep their letters; angle brackets would be HTML. */
const allowed = (setting: Named): string => setting.allowed.replaceAll('<name>', '`<name>`')

function environmentTable(settings: readonly Named[]): string {
  const rows = settings.map((setting) => [
    code(setting.env ?? ''),
    shownDefault(setting),
    sentence(setting.meaning),
    allowed(setting),
  ])
  return table(['Variable', 'Default', 'Meaning', 'Allowed'], rows)
}

export function sidecarEnvironment(): string {
  return environmentTable(all(sidecarSettings))
}

export function injectorEnvironment(): string {
  return environmentTable(all(injectorSettings))
}

/** What the settings' file may hold. */
export function settingsFileTable(): string {
  const rows = Object.entries(fileSettings).map(([key, setting]) => [code(key), code(setting.env), allowed(setting)])
  const defaults = [
    code(`${defaultsKey}.NAME`),
    "the operator's default of the annotation NAME",
    'what the annotation may be',
  ]
  return table(['Key', 'Stands in for', 'Allowed; lists are YAML lists, or texts with commas'], [defaults, ...rows])
}

/** Where a tap is configured: each annotation with the sidecar's variable and the operator's default of it. */
export function annotationsTable(): string {
  const rows = [...all(sidecarSettings), ...all(injectorAnnotations)].flatMap((setting) => {
    const { annotation } = setting
    if (annotation === undefined) return []
    return [
      [
        code(annotationPrefix + annotation),
        setting.env === undefined ? 'the injector itself' : code(setting.env),
        code(defaultVariable(annotation)),
        setting.default === undefined ? 'none' : shownDefault(setting),
        notOverridableByDefault.includes(annotation) ? 'no' : 'yes',
        sentence(setting.meaning),
      ],
    ]
  })
  return table(['Annotation', 'Sets', "Operator's default", 'Otherwise', 'Pods may set it', 'Meaning'], rows)
}

export function injectLabel(): string {
  const { meaning, allowed: words } = injectSetting
  return table(['Label', 'Allowed', 'Meaning'], [[code(`${annotationPrefix}inject`), words, sentence(meaning)]])
}

/** What sensors say of themselves. */
export function sensorAnnotationsTable(): string {
  const rows = Object.values(sensorAnnotations).map((setting) => [
    code(annotationPrefix + setting.annotation),
    shownDefault(setting),
    sentence(setting.meaning),
    allowed(setting),
  ])
  return table(['Annotation or label', 'Otherwise', 'Meaning', 'Allowed'], rows)
}

export function exitCodesTable(): string {
  const rows = Object.values(exitCodes).map(({ code: number, meaning }) => [String(number), sentence(meaning)])
  return table(['Exit code', 'Meaning'], rows)
}
