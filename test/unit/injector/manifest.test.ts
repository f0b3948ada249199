import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import {
  injectManifest,
  namespacesIn,
  type OfflineContext,
  parseManifests,
} from '../../../injector/manifest/inject-manifest.ts'
import { kindsWithPods } from '../../../injector/manifest/templates.ts'
import { config, unknown } from './fixtures.ts'

const always = { ...config, defaults: { ...config.defaults, 'native-sidecar': 'always' } }

function inject(text: string, changes: Partial<OfflineContext['config']> = {}) {
  const parsed = parseManifests('test.yaml', text)
  if (!parsed.ok) throw new Error(parsed.problem.problem)
  const context = {
    config: { ...always, ...changes },
    cluster: unknown,
    namespaces: namespacesIn(parsed.manifests),
    defaultNamespace: 'default',
  }
  const injected = parsed.manifests.map((manifest) => injectManifest(manifest, context))
  return {
    text: injected.map((manifest) => manifest.text).join(''),
    values: injected.map((manifest) => manifest.value),
    findings: injected.flatMap((manifest) => manifest.findings),
  }
}

const problemIn = (text: string) => {
  const parsed = parseManifests('test.yaml', text)
  return parsed.ok ? undefined : parsed.problem
}

const deployment = `# The shop's front.
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}   # flow style stays
spec:
  replicas: 0o10   # octal
  template:
    metadata:
      labels:
        # who asks
        vxtap.io/inject: "true"
    spec:
      containers:
      # the application
      - name: web
        image: 'web:1'   # quoted

        args: ["--port", "8080"]
`

describe('a manifest with a workload', () => {
  it('keeps its comments, its order and its quotes', () => {
    const { text } = inject(deployment)
    const removed = linesOf(deployment).filter((line) => !linesOf(text).includes(line))
    expect(removed).toEqual([])
    expect(text).toContain('vxtap.io/status')
    expect(text).toContain('      initContainers:\n      - name: vxtap\n')
  })

  it('is the same whether it is injected once or twice', () => {
    const once = inject(deployment).text
    expect(inject(once).text).toBe(once)
  })

  it('says what was decided, and in which namespace', () => {
    expect(inject(deployment).findings).toMatchObject([
      { object: 'Deployment/web', namespace: 'shop', decision: { reason: 'injected' } },
    ])
  })

  it('that opts out stays out, with --all too', () => {
    const text = deployment.replace('"true"', '"false"')
    expect(inject(text, { withoutOptIn: true }).text).toBe(text)
  })

  it('with the label on the wrong metadata is not injected, and its author is told', () => {
    const text = deployment
      .replace(/ {6}labels:\n.*\n.*"true"\n/, '')
      .replace('namespace: shop', 'labels: {vxtap.io/inject: "true"}')
    const { findings } = inject(text)
    expect(findings).toMatchObject([{ decision: { reason: 'not_opted_in' } }])
    expect(findings[0]?.notes.join()).toContain('belongs in spec.template.metadata.labels')
  })
})

/** Without the blanks that a YAML writer may put before a comment. */
const linesOf = (text: string): string[] => text.split('\n').map((line) => line.replace(/\s+#/, ' #').trimEnd())

describe('every kind with pods', () => {
  const template = 'template: {metadata: {labels: {vxtap.io/inject: "true"}}, spec: {containers: [{name: a}]}}'
  const manifests: Record<string, string> = {
    Pod: 'metadata: {labels: {vxtap.io/inject: "true"}}\nspec: {containers: [{name: a}]}',
    CronJob: `spec: {jobTemplate: {spec: {${template}}}}`,
    PodTemplate: template,
  }

  it.each(kindsWithPods)('%s is injected', (kind) => {
    const { text, findings } = inject(`kind: ${kind}\n${manifests[kind] ?? `spec: {${template}}`}\n`)
    expect(findings).toMatchObject([{ decision: { outcome: 'inject' } }])
    expect(text).toContain('name: vxtap')
  })

  it('is injected in lists too, each item by itself', () => {
    const list = `kind: List\nitems:\n- kind: ConfigMap\n- kind: Deployment\n  spec: {${template}}\n- kind: Deployment\n  spec: {template: {spec: {}}}\n`
    expect(inject(list).findings.map(({ decision }) => decision.reason)).toEqual(['injected', 'not_opted_in'])
    expect(inject(list).text.match(/name: vxtap,/g)).toHaveLength(1)
  })
})

describe('several documents', () => {
  it('without pods come out byte for byte as they went in', () => {
    const text =
      '%YAML 1.2\n---\na:   1 # one\n...\n---\n\n# nothing\n---\nkind:   ConfigMap\ndata: {x:   "y"}\n\n# the end\n'
    expect(inject(text).text).toBe(text)
  })

  it('are judged by the Namespace objects among them', () => {
    const namespace =
      'kind: Namespace\nmetadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: baseline}}\n'
    expect(inject(`${deployment}---\n${namespace}`).findings).toMatchObject([
      { decision: { reason: 'pod_security_forbids_net_raw' } },
    ])
  })

  it('stay apart when one of them is injected', () => {
    const { text } = inject(`kind: A\n---\n${deployment}---\nkind: B\n`)
    expect(parseAllDocuments(text).map((document) => document.toJS().kind)).toEqual(['A', 'Deployment', 'B'])
  })
})

describe('YAML that makes one text stand for two things', () => {
  it('an alias on the way is changed where it is used, not where it was defined', () => {
    const text = `kind: Pod
status: &shared {team: a}
metadata:
  labels: {vxtap.io/inject: "true"}
  annotations: *shared
spec:
  containers: [{name: a}] # why
`
    const { values, text: written } = inject(text)
    expect(parseAllDocuments(written)[0]?.toJS()).toEqual(values[0])
    expect(written).toContain('# why')
    expect(values[0]).toMatchObject({ status: { team: 'a' } })
    expect(JSON.stringify(values[0])).toContain('vxtap.io/status')
  })

  it('merge keys are understood', () => {
    const text = `kind: Pod\nbase: &base {containers: [{name: a}]}\nmetadata: {labels: {vxtap.io/inject: "true"}}\nspec:\n  <<: *base\n`
    const { values, text: written } = inject(text)
    expect(parseAllDocuments(written, { merge: true })[0]?.toJS()).toEqual(values[0])
    expect(values[0]).toMatchObject({ spec: { containers: [{ name: 'a' }], initContainers: [{ name: 'vxtap' }] } })
  })
})

describe('what is no manifest', () => {
  it('is refused with the line where it goes wrong', () => {
    expect(problemIn('a: 1\nb: [\nc: 2\n')).toMatchObject({ source: 'test.yaml', line: 3 })
    expect(problemIn('a: 1\n---\na: 1\na: 2\n')).toMatchObject({ line: 4, problem: expect.stringContaining('unique') })
    expect(problemIn('---\njust a text\n')).toEqual({
      source: 'test.yaml',
      line: 2,
      problem: 'this is not a Kubernetes object',
    })
  })

  it('is refused where aliases multiply without end', () => {
    const bomb = Array.from(
      { length: 12 },
      (_, n) =>
        `a${n}: &a${n} [${
          n === 0
            ? 'x'
            : Array(10)
                .fill(`*a${n - 1}`)
                .join()
        }]`,
    ).join('\n')
    expect(problemIn(bomb)?.problem).toMatch(/alias/i)
  })

  it('never makes the parser throw', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => void parseManifests('x', text)),
      { seed: 7, numRuns: 500 },
    )
  })

  it('is nothing where the file is empty', () => {
    for (const text of ['', '\n', '# only a comment\n'])
      expect(inject(text)).toEqual({ text: '', values: [], findings: [] })
  })
})
