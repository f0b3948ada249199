/**
 * A command as a document has it, from its first line to the first that does not go on with a backslash.
 * @param start its first words, at the start of a line
 */
export function documentedCommand(document: string, start: string): string | undefined {
  const lines = document.split('\n')
  const first = lines.findIndex((line) => line.startsWith(`${start} `))
  if (first === -1) return undefined
  const last = lines.findIndex((line, at) => at >= first && !line.endsWith('\\'))
  return lines.slice(first, last + 1).join('\n')
}
