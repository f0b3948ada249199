/** The init container that docs/sensors.md shows for a sensor that captures packets, as it stands there. */
import { readFileSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'

export interface InitContainer {
  readonly name: string
  readonly args: readonly string[]
  readonly securityContext: { readonly capabilities: { readonly drop: string[]; readonly add: string[] } }
  readonly resources: { readonly limits: Readonly<Record<string, string>> }
}

export interface DocumentedSensor {
  readonly annotations: Readonly<Record<string, string>>
  readonly prepare: InitContainer
}

export function documentedSensor(): DocumentedSensor {
  const page = readFileSync(new URL('../../docs/sensors.md', import.meta.url), 'utf8')
  const fences = [...page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map((fence) => fence[1] ?? '')
  const manifest = fences.find((fence) => fence.includes('prepare-sensor'))
  const { metadata, spec } = parseAllDocuments(manifest ?? '')[0]!.toJS().spec.template
  return { annotations: metadata.annotations, prepare: spec.initContainers[0] }
}
