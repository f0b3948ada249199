/** Every generated part of the documentation, and the files that hold one. */
import { chartValuesTable } from './chart.ts'
import { commandsReference } from './commands.ts'
import { demoResult } from './demo.ts'
import { injectorMetricsTable, sidecarMetricsTable } from './metrics.ts'
import {
  apiServerText,
  barsTable,
  chartFiles,
  chartImages,
  contestantsTable,
  costText,
  figureTables,
  injectorText,
  runText,
} from './performance.ts'
import { policyTables } from './policy.ts'
import {
  blindSpotsText,
  dropReasonsText,
  injectionReasonsIndex,
  injectionReasonsText,
  mirrorRefusalsTable,
  preparationOutcomesTable,
} from './reasons.ts'
import {
  annotationsTable,
  exitCodesTable,
  injectLabel,
  injectorEnvironment,
  sensorAnnotationsTable,
  settingsFileTable,
  sidecarEnvironment,
} from './settings.ts'
import { testedOn } from './tested.ts'

export const generatedFiles = [
  'README.md',
  'docs/configuration.md',
  'docs/install.md',
  'docs/commands.md',
  'docs/metrics.md',
  'docs/performance.md',
  'docs/limits.md',
  'docs/injection-reasons.md',
  'docs/drop-reasons.md',
  'docs/sensors.md',
  'charts/vxtap/README.md',
] as const

/** By the name in the marker. */
export async function generatedParts(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['demo-result', demoResult()],
    ['inject-label', injectLabel()],
    ['annotations', annotationsTable()],
    ['sensor-annotations', sensorAnnotationsTable()],
    ['sidecar-environment', sidecarEnvironment()],
    ['injector-environment', injectorEnvironment()],
    ['settings-file', settingsFileTable()],
    ['exit-codes', exitCodesTable()],
    ['chart-values', chartValuesTable()],
    ['commands', await commandsReference()],
    ['sidecar-metrics', sidecarMetricsTable()],
    ['injector-metrics', injectorMetricsTable()],
    ['injection-reasons-index', injectionReasonsIndex()],
    ['injection-reasons', injectionReasonsText()],
    ['blind-spots', blindSpotsText()],
    ['drop-reasons', dropReasonsText()],
    ['tested-on', testedOn()],
    ['cost', costText()],
    ['performance-run', runText()],
    ['performance-bars', barsTable()],
    ['performance-contestants', contestantsTable()],
    ['performance-charts', chartImages()],
    ['performance-tables', figureTables()],
    ['performance-injector', injectorText()],
    ['performance-api-server', apiServerText()],
    ['mirror-refusals', mirrorRefusalsTable()],
    ['preparation-outcomes', preparationOutcomesTable()],
  ])
}

/** Files of which every line is generated, by path. */
export function wholeFiles(): ReadonlyMap<string, string> {
  return new Map([['charts/vxtap/files/policy.yaml', policyTables()], ...chartFiles()])
}
