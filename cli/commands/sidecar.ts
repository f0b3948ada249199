/** `vxtap sidecar`: configured by its environment alone, as a container is; its help lists the table. */
import type { Command } from 'commander'
import type { Setting } from '../../contract/setting.ts'
import { sidecarSettings } from '../../contract/sidecar-settings.ts'

function environmentHelp(): string {
  const rows = (Object.values(sidecarSettings) as (Setting<unknown> & { env: string })[]).map((setting) => {
    const fallback = setting.default === undefined ? 'required' : (setting.defaultShown ?? (setting.default || 'empty'))
    return `  ${setting.env.padEnd(18)} ${setting.meaning.replaceAll('`', '')} (${fallback})`
  })
  return `\nEnvironment:\n${rows.join('\n')}\n\nExit codes: 0 stopped, 77 no NET_RAW, 78 a setting is wrong (each is named), 1 anything else. In a pod, where\nKUBERNETES_SERVICE_HOST is set, it does not end with 77 or 78, but stays, mirrors nothing, and says why on /readyz.`
}

export function register(program: Command): void {
  program
    .command('sidecar')
    .description("mirror this pod's packets to the sensor (runs in the injected container; configured by environment)")
    .addHelpText('after', environmentHelp)
    .action(async () => (await import('../../sidecar/main.ts')).main())
}
