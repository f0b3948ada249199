/** Holds the guides to what they guide through: alerts, reasons, and whose word they cite. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { dropReasons } from '../../contract/drop-reasons.ts'
import { exitCodes } from '../../contract/exit-codes.ts'
import { injectionReasons, type ReasonCode, reasonAnchor } from '../../contract/injection-reasons.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (file: string): string => readFileSync(root + file, 'utf8')

const troubleshooting = read('docs/troubleshooting.md')
const headings = new Set([...troubleshooting.matchAll(/^#{2,3} (.+)$/gm)].map((match) => match[1]))
const linked = new Set([...troubleshooting.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]))

describe('given trouble, docs/troubleshooting.md', () => {
  const alerts = [
    ...read('charts/vxtap/templates/monitoring/prometheus-rule.yaml').matchAll(/^ +- alert: (?<name>\w+)$/gm),
  ].map((match) => match.groups?.['name'] ?? '')

  it('has a section for each alert of the chart', () => {
    expect(alerts.length).toBeGreaterThan(5)
    expect(alerts.filter((alert) => !headings.has(alert))).toEqual([])
  })

  it('leads to each injection reason', () => {
    const targets = (Object.keys(injectionReasons) as ReasonCode[]).map((code) =>
      reasonAnchor(code).replace('docs/', ''),
    )
    expect(targets.filter((target) => !linked.has(target))).toEqual([])
  })

  it('leads to each reason of a drop', () => {
    const targets = Object.keys(dropReasons).map((reason) => `drop-reasons.md#${reason.replaceAll('_', '-')}`)
    expect(targets.filter((target) => !linked.has(target))).toEqual([])
  })

  it('explains each code that a sidecar exits with', () => {
    const codes = [exitCodes.ok, exitCodes.failure, exitCodes.noPermission, exitCodes.config].map(({ code }) => code)
    const [, section = ''] = troubleshooting.split('## The sidecar ends\n')
    expect(codes.filter((code) => !new RegExp(`^\\| ${code}[ ,]`, 'm').test(section))).toEqual([])
  })
})

describe('given a statement about what others make, docs/platforms.md and docs/upgrading.md', () => {
  const vendors =
    /^https:\/\/(docs\.aws\.amazon\.com|(docs\.)?cloud\.google\.com|learn\.microsoft\.com|docs\.openshift\.com|docs\.siderolabs\.com|docs\.k3s\.io|docs\.tigera\.io|docs\.cilium\.io|istio\.io|linkerd\.io|gvisor\.dev|kubernetes\.io)\//
  const theirRepositories =
    /^https:\/\/github\.com\/(aws|Azure|GoogleCloudPlatform|flannel-io|google\/gvisor|istio|openshift|tigera)\//
  const cited = ['docs/platforms.md', 'docs/upgrading.md'].flatMap((file) =>
    [...read(file).matchAll(/\]\((https?:[^)\s]+)\)/g)].map((match) => match[1] ?? ''),
  )

  it('cite those who make it, and nobody else', () => {
    expect(cited.length).toBeGreaterThan(20)
    expect(cited.filter((url) => !vendors.test(url) && !theirRepositories.test(url))).toEqual([])
  })

  it('say when that was read', () => {
    expect(read('docs/platforms.md')).toMatch(/Read\s+on \d+\s+[A-Z][a-z]+ \d{4}/)
  })
})
