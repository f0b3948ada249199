/**
 * What the chart's admission policy takes from the tables: the settings that it knows, and the sentences of the reasons
 * as CEL expressions. A whole file, because Helm reads YAML and not TypeScript.
 */
import { stringify } from 'yaml'
import { annotationPrefix, annotationSettings } from '../../contract/annotations.ts'
import { injectionReasons, type ReasonCode } from '../../contract/injection-reasons.ts'
import { notForPolicies, policyPatterns } from '../../contract/policy-patterns.ts'

/** Reasons that the policy can tell, and the CEL expression of each parameter of their sentences. */
const told = {
  name_taken: { name: '"vxtap or vxtap-token"' },
  host_network: {},
  windows: {},
  invalid_annotation: { problem: 'variables.problem' },
  override_not_allowed: { what: 'variables.forbidden', allow: 'variables.forbidden' },
  sensor_missing: {},
  pod_security_forbids_net_raw: { namespace: 'request.namespace', level: 'variables.level' },
  internal_error: { cause: '"its admission policy could not be evaluated for this pod"' },
} as const satisfies Partial<Record<ReasonCode, Readonly<Record<string, string>>>>

export function policyTables(): string {
  const settings = Object.entries(policyPatterns).map(([name, pattern]) => {
    const { env, default: text, allowed, example } = annotationSettings.get(name)!
    const not = notForPolicies[name]
    const left = not === undefined ? '' : ` (${not} is for the webhook alone)`
    const rule = `it must be ${allowed}${left}, for example ${annotationPrefix}${name}=${example}, and simple enough for an admission policy`
    return { annotation: name, ...(env === undefined ? { default: text ?? '' } : { env }), pattern, rule }
  })
  const reasons = Object.fromEntries(
    Object.entries(told).map(([code, parameters]) => [code, sentenceInCel(code as ReasonCode, parameters)]),
  )
  return `# Made from the tables in contract/ by \`make docs\`.\n${stringify({ settings, reasons }, { lineWidth: 0 })}`
}

/** The warning of a reason, as injector/plan.ts words it. */
function sentenceInCel(code: ReasonCode, parameters: Readonly<Record<string, string>>): string {
  const { sentence, remedy } = injectionReasons[code]
  const text = `not injected: ${sentence} (${code})${remedy === '' ? '' : `; ${remedy}`}`
  return text
    .split(/(\{\w+\})/)
    .filter((part) => part !== '')
    .map((part) => {
      const parameter = /^\{(\w+)\}$/.exec(part)?.[1]
      if (parameter === undefined) return JSON.stringify(part)
      const expression = parameters[parameter]
      if (expression === undefined) throw new Error(`the policy does not say what {${parameter}} of ${code} is`)
      return expression
    })
    .join(' + ')
}
