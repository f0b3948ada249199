/** The injector's JSON Patch as text: the real operations, less what takes room and tells little. */

const leftOut = new Set([
  'imagePullPolicy',
  'ports',
  'resources',
  'terminationMessagePolicy',
  'volumeMounts',
  'runAsNonRoot',
  'privileged',
  'seccompProfile',
  'startupProbe',
  'version',
  'volumes',
])

/** @param width most characters in a line; lines break behind commas */
export function patchText(patch: unknown, width: number): string[] {
  const operations = Array.isArray(patch) ? (patch as unknown[]) : []
  return operations.flatMap((operation) => wrapped(JSON.stringify(operation, abridged), width))
}

/** For JSON.stringify: drops what is left out, and variables that only copy the pod's own fields. */
function abridged(key: string, value: unknown): unknown {
  if (leftOut.has(key)) return undefined
  if (key !== 'env' || !Array.isArray(value)) return value
  return (value as object[]).filter((variable) => !('valueFrom' in variable))
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const piece of text.split(/(?<=,)(?=["{])/)) {
    if (line !== '' && line.length + piece.length > width) {
      lines.push(line)
      line = '  '
    }
    line += piece
  }
  return [...lines, line]
}
