/** The command line reference: what each command really prints for --help. */
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'

const commandFolder = new URL('../../cli/commands/', import.meta.url)
const helpWidth = 110

/** Every command under cli/commands/, in alphabetical order. */
export async function commands(): Promise<Command[]> {
  const program = new Command('vxtap')
  for (const file of readdirSync(fileURLToPath(commandFolder)).sort()) {
    const module: { register?: (program: Command) => void } = await import(new URL(file, commandFolder).href)
    module.register?.(program)
  }
  return [...program.commands].sort((one, other) => (one.name() < other.name() ? -1 : 1))
}

/** The whole help, what stands after the flags included. */
export function helpText(command: Command): string {
  let text = ''
  command.configureOutput({
    writeOut: (piece) => {
      text += piece
    },
    getOutHelpWidth: () => helpWidth,
    getOutHasColors: () => false,
  })
  command.outputHelp()
  return text.trimEnd()
}

export async function commandsReference(): Promise<string> {
  return (await commands())
    .map((command) => `## vxtap ${command.name()}\n\n\`\`\`text\n${helpText(command)}\n\`\`\``)
    .join('\n\n')
}
