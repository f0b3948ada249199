/** Where two texts first differ, as a diff would show it. Both must differ. */
export function firstDifference(before: string, after: string): string {
  const old = before.split('\n')
  const wanted = after.split('\n')
  const at = wanted.findIndex((line, index) => line !== old[index])
  const line = at === -1 ? wanted.length : at
  const shown = (sign: string, text: string | undefined): string => (text === undefined ? '' : `\n${sign} ${text}`)
  return `@@ line ${line + 1} @@${shown('-', old[line])}${shown('+', wanted[line])}`
}
