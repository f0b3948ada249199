/** The installed chart. */
import { fileURLToPath } from 'node:url'
import { run } from '../../../lab/network/command.ts'
import { vxtapRepository } from '../../cluster/image/names.ts'

export const release = 'vxtap'
export const releaseNamespace = 'vxtap'
export const chart = fileURLToPath(new URL('../../../charts/vxtap', import.meta.url))
/** The namespace that the chart's own sensorAccess opens, for the scenario that uses nothing but the chart. */
export const chartAccess = { sensors: 'sensors', applications: 'shop' } as const

export function helm(...args: readonly string[]): Promise<string> {
  return run(['helm', ...args], { timeoutMs: 180_000 })
}

export function helmInstall(): Promise<string> {
  return helm(
    ...['install', release, chart, '--namespace', releaseNamespace, '--create-namespace', '--wait'],
    ...['--timeout', '120s', '--set', `image.repository=${vxtapRepository}`],
    ...['--set', 'defaults.sensor=sensor'],
    ...['--set', `sensorAccess[0].namespace=${chartAccess.sensors}`],
    ...['--set', `sensorAccess[0].namespaces={${chartAccess.applications}}`],
  )
}
