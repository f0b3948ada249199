/** How Suricata is started, wherever it runs, and what it may not say. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { rule } from './content.ts'

/** Its files, by name. */
export const configuration: Readonly<Record<string, string>> = {
  'suricata.yaml': readFileSync(join(import.meta.dirname, 'suricata.yaml'), 'utf8'),
  'marker.rules': `${rule}\n`,
}

/**
 * @param folder where it finds its files
 * @param logs where it writes eve.json
 */
export const suricataCommand = (folder: string, logs: string): string[] => [
  ...['suricata', '--af-packet', '-l', logs],
  ...['-c', join(folder, 'suricata.yaml'), '-S', join(folder, 'marker.rules')],
]

/** A setting that it did not understand would make a run judge something else than it says. */
export const complains = (said: string): boolean => /^[WE]: /m.test(said)
