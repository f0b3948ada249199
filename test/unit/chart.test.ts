/** Holds the Helm chart to the tables that the injector reads; `helm lint` and `helm template` are in CONTRIBUTING.md. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { annotationPrefix, annotationSettings, injectKey, overridable } from '../../contract/annotations.ts'
import { defaultVariable, injectorSettings, readInjectorSettings } from '../../contract/injector-settings.ts'
import type { Setting } from '../../contract/setting.ts'
import { version } from '../../contract/version.ts'

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: boolean
  readonly enum?: readonly string[]
  readonly items?: Schema
}

const chart = fileURLToPath(new URL('../../charts/vxtap/', import.meta.url))
const read = (file: string): string => readFileSync(chart + file, 'utf8')
const values = parse(read('values.yaml'))
const schema: Schema = JSON.parse(read('values.schema.json'))
const templates = readdirSync(`${chart}templates`).map((file) => read(`templates/${file}`))
const ofValue = (...path: string[]): Schema => path.reduce<Schema>((node, key) => node.properties?.[key] ?? {}, schema)

describe('the chart', () => {
  it('has the version of the program that it installs', () => {
    expect(parse(read('Chart.yaml'))).toMatchObject({ version, appVersion: version })
  })

  it('takes a default for every annotation, and for nothing else', () => {
    const ownValue = 'image'
    const annotations = [...annotationSettings.keys()].filter((name) => name !== ownValue)
    expect(Object.keys(ofValue('defaults').properties ?? {}).sort()).toEqual(annotations.sort())
    expect(ofValue('defaults').additionalProperties).toBe(false)
  })

  it('lets pods override what the injector lets them override', () => {
    expect(ofValue('allowedOverrides').items?.enum).toEqual(overridable)
  })

  it.each([
    ['podSecurity', injectorSettings.podSecurity],
    ['podSecurityDefault', injectorSettings.podSecurityDefault],
    ['logLevel', injectorSettings.logLevel],
    ['image.pullPolicy', injectorSettings.imagePullPolicy],
  ] as const)('allows exactly the words for %s that the injector allows', (path, setting: Setting<unknown>) => {
    const words = ofValue(...path.split('.')).enum ?? []
    expect(words.join(' ')).toBe(setting.allowed.replaceAll(/,? or |, /g, ' '))
  })

  it('names the variable of a default as the injector reads it', () => {
    const names = read('templates/_names.tpl')
    expect(names).toContain('if eq . "native-sidecar"')
    for (const name of annotationSettings.keys()) {
      if (name === 'image') continue
      const made = name === 'native-sidecar' ? 'NATIVE_SIDECARS' : `DEFAULT_${name.toUpperCase().replaceAll('-', '_')}`
      expect(made).toBe(defaultVariable(name))
    }
  })

  it('sets only variables that the injector reads', () => {
    const known = new Set([...Object.values(injectorSettings).map((setting) => setting.env), defaultVariable('image')])
    const set = [...read('templates/deployment.yaml').matchAll(/- name: (?<name>[A-Z][A-Z_]+)\n/g)]
    const names = set.map((match) => match.groups?.['name'] ?? '')
    expect(names.length).toBeGreaterThan(8)
    expect(names.filter((name) => !known.has(name))).toEqual([])
  })

  it('comes with values that the injector accepts and that equal its own defaults', () => {
    const environment = {
      IMAGE: 'example.com/vxtap:1',
      LISTEN_ADDRESS: `:${values.port}`,
      METRICS_ADDRESS: `:${values.metricsPort}`,
      EXCLUDED_NAMESPACES: values.excludedNamespaces.join(','),
      POD_SECURITY: values.podSecurity,
      POD_SECURITY_DEFAULT: values.podSecurityDefault,
      DRAIN_SECONDS: String(values.drainSeconds),
      LOG_LEVEL: values.logLevel,
      IMAGE_PULL_POLICY: values.image.pullPolicy,
    }
    expect(readInjectorSettings(environment)).toEqual(readInjectorSettings({ IMAGE: 'example.com/vxtap:1' }))
  })

  it('describes every value, in values.yaml by a comment and in the schema', () => {
    expect(Object.keys(values).sort()).toEqual(
      Object.keys(schema.properties ?? {})
        .filter((key) => key !== 'global')
        .sort(),
    )
    const lines = read('values.yaml').split('\n')
    const undescribed = lines.filter((line, index) => {
      const isKey = /^(?: {2}){0,2}[A-Za-z]+: \S/.test(line) && !line.includes('cpu:') && !line.includes('memory:')
      const isOfList = line.includes('kubernetes.io/os')
      return isKey && !isOfList && !/^\s*# /.test(lines[index - 1] ?? '')
    })
    expect(undescribed).toEqual([])
  })

  it('fails open, answers soon, and is asked again when another webhook has changed the pod', () => {
    expect(values.webhook).toEqual({ failurePolicy: 'Ignore', timeoutSeconds: 5 })
    const webhook = read('templates/_webhook.tpl')
    for (const line of [
      // An event of the pod's owner, except in a dry run.
      'sideEffects: NoneOnDryRun',
      'reinvocationPolicy: IfNeeded',
      'matchPolicy: Equivalent',
      'path: /mutate',
    ]) {
      expect(webhook).toContain(line)
    }
  })

  it('selects by the label that the injector reads', () => {
    const keys = templates.flatMap((text) =>
      [...text.matchAll(/[{ ]key: (vxtap\.io\/[a-z-]+)/g)].map((match) => match[1]),
    )
    expect(new Set(keys)).toEqual(new Set([injectKey]))
    const prefixed = templates.flatMap((text) => [...text.matchAll(/vxtap\.io\/([a-z-]+)/g)].map((match) => match[1]))
    const known = new Set(['inject', ...annotationSettings.keys()])
    expect(prefixed.filter((name) => !known.has(name ?? ''))).toEqual([])
    expect(annotationPrefix).toBe('vxtap.io/')
  })

  it('asks for no more rights than it uses, and never for secrets', () => {
    const rules = templates.flatMap((text) => [...text.matchAll(/resources: \[(.*)\]\n\s+verbs: \[(.*)\]/g)])
    expect(rules.map(([, resources, verbs]) => [resources, verbs])).toEqual([
      ['namespaces, nodes', 'get, list, watch'],
      ['events', 'create'],
      ['pods', 'get, list, watch'],
    ])
  })
})
