/** The settings in force: those of the start, until their file has changed to others that are right. */
import type { Logger } from 'pino'
import type { InjectorSettings } from '../contract/injector-settings.ts'
import { configFrom } from './configuration.ts'
import type { InjectorMetrics } from './metrics.ts'
import type { InjectionConfig } from './plan.ts'
import { type ParseFile, type WatchedFile, watchFile } from './watched-file.ts'

export interface SettingsFile {
  readonly file: string
  /** What it held at the start. */
  readonly content: Buffer
  readonly parse: ParseFile<InjectorSettings>
}

export interface LiveSettings {
  /** What pods are decided by from now on: one object, never a mixture of old and new. */
  config(): InjectionConfig
  /** Follows the file, if there is one. */
  follow(changed: () => void): WatchedFile
}

export function createLiveSettings(
  settings: InjectorSettings,
  version: string,
  file: SettingsFile | undefined,
  log: Logger,
  metrics: Pick<InjectorMetrics, 'settingsReloaded'>,
  lookMs?: number,
): LiveSettings {
  let inForce = configFrom(settings, version)
  return {
    config: () => inForce,
    follow(changed) {
      if (file === undefined) return { stop: () => undefined }
      const name = file.file
      const taken = (next: InjectorSettings): void => {
        inForce = configFrom(next, version)
        log.level = next.logLevel
        metrics.settingsReloaded('taken')
        log.info({ file: name }, 'the settings file changed; pods are decided on by the new settings')
        changed()
      }
      const refused = (problems: readonly string[]): void => {
        metrics.settingsReloaded('refused')
        log.error(
          { file: name, problems },
          `the settings file changed to something that is not allowed; the settings of before stay in force: ${problems.join('; ')}`,
        )
      }
      return watchFile(name, file.parse, file.content, { taken, refused }, lookMs)
    },
  }
}
