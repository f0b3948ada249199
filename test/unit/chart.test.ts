/** Holds the Helm chart to the tables in contract/; what helm makes of it is in test/chart. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import {
  annotationPrefix,
  annotationSettings,
  injectKey,
  overridable,
  sensorAnnotations,
} from '../../contract/annotations.ts'
import { defaultVariable, injectorSettings, readInjectorSettings } from '../../contract/injector-settings.ts'
import type { Setting } from '../../contract/setting.ts'
import { version } from '../../contract/version.ts'
import { describedValues } from '../../scripts/docs/chart.ts'
import { limitKb, nodeOptions } from '../support/chart-memory.ts'

interface Schema {
  readonly type?: string | readonly string[]
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: boolean | Schema
  readonly enum?: readonly (string | boolean)[]
  readonly items?: Schema
}

const chart = fileURLToPath(new URL('../../charts/vxtap/', import.meta.url))
const read = (file: string): string => readFileSync(chart + file, 'utf8')
const values = parse(read('values.yaml'))
const schema: Schema = JSON.parse(read('values.schema.json'))
const templates = readdirSync(`${chart}templates`, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.(ya?ml|tpl|txt)$/.test(file))
  .map((file) => read(`templates/${file}`))
const nothing: Schema = {}
const ofValue = (...path: string[]): Schema =>
  path.reduce<Schema>((node, key) => node.properties?.[key] ?? nothing, schema)

/** Free for Kubernetes to judge: the labels that a selector may have, and such. */
const open = (path: string): boolean =>
  /^(global|podSecurityContext|affinity\..*|networkPolicy\.metricsFrom\[\]\..*)$/.test(path)

/** Objects of the schema that take any name with any value. */
function openObjects(node: Schema, path = ''): string[] {
  const within = Object.entries(node.properties ?? {}).flatMap(([key, child]) =>
    openObjects(child, path === '' ? key : `${path}.${key}`),
  )
  const items = node.items === undefined ? [] : openObjects(node.items, `${path}[]`)
  const isOpen = node.type === 'object' && node.additionalProperties === undefined
  return [...(isOpen ? [path] : []), ...within, ...items]
}

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

  it('sets only variables that the injector reads', () => {
    const known = new Set([
      ...Object.values(injectorSettings).map((setting) => setting.env),
      defaultVariable('image'),
      'NODE_OPTIONS',
    ])
    const set = [...read('templates/deployment.yaml').matchAll(/- name: (?<name>[A-Z][A-Z_]+)\n/g)]
    const names = set.map((match) => match.groups?.['name'] ?? '')
    expect(names.length).toBeGreaterThan(8)
    expect(names.filter((name) => !known.has(name))).toEqual([])
  })

  it('lets Node’s heap have the half of the memory that the tests of hostile clients give it', () => {
    const [, percentage, semiSpace] =
      /--max-old-space-size-percentage=(\d+) (--\S+)/.exec(read('templates/deployment.yaml')) ?? []
    const mebi = Number(/^(\d+)Mi$/.exec(values.resources.limits.memory)?.[1])
    expect(mebi * 1024).toBe(limitKb)
    expect(`--max-old-space-size=${(mebi * Number(percentage)) / 100} ${semiSpace}`).toBe(nodeOptions)
  })

  it('comes with values that the injector accepts and that equal its own defaults', () => {
    const environment = {
      IMAGE: 'example.com/vxtap:1',
      LISTEN_ADDRESS: `:${values.port}`,
      METRICS_ADDRESS: `:${values.metricsPort}`,
      EXCLUDED_NAMESPACES: values.excludedNamespaces.join(','),
      POD_SECURITY: values.podSecurity,
      POD_SECURITY_DEFAULT: values.podSecurityDefault,
      BLIND_SPOTS: values.blindSpots.enabled ? 'on' : 'off',
      DRAIN_SECONDS: String(values.drainSeconds),
      LOG_LEVEL: values.logLevel,
      CERTIFICATE_LIFE: values.certificate.life,
      CERTIFICATE_AUTHORITY_LIFE: values.certificate.authorityLife,
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
    const described = describedValues(read('values.yaml'))
    expect(described.length).toBeGreaterThan(60)
    expect(described.filter(({ path }) => ofValue(...path.split('.')) === nothing)).toEqual([])
  })

  it('fails open, answers soon, and is asked again when another webhook has changed the pod', () => {
    expect(values.webhook).toMatchObject({ failurePolicy: 'Ignore', timeoutSeconds: 5 })
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
    const ofSensors = sensorAnnotations.gso.annotation
    const known = new Set<string>(['inject', 'status', ofSensors, ...annotationSettings.keys()])
    expect(prefixed.filter((name) => !known.has(name ?? ''))).toEqual([])
    expect(annotationPrefix).toBe('vxtap.io/')
  })

  it('says of its own sensor that it reads a socket, so that sidecars send it batches', () => {
    const sensor = templates.find((text) => text.includes('"receive" "--strict"'))
    const said = /vxtap\.io\/gso: (\S+)/.exec(sensor ?? '')?.[1]
    expect(sensorAnnotations.gso.parse(said ?? '')).toEqual({ ok: true, value: 'socket' })
  })

  it('asks for no more rights than it uses, and by name wherever there is one', () => {
    const rules = templates.flatMap((text) => [
      ...text.matchAll(/resources: \[(.*)\]\n(?:\s+resourceNames: \[(.*)\]\n)?\s+verbs: \[(.*)\]/g),
    ])
    const name = '{{ include "vxtap.name" . }}'
    expect(rules.map(([, resources, names, verbs]) => [resources, verbs, ...(names ? [names] : [])])).toEqual([
      ['secrets', 'get, list, watch, patch', `${name}-certificates`],
      ['leases', 'get, patch', `${name}-certificates`],
      ['namespaces, nodes', 'get, list, watch'],
      ['pods', 'get, list, watch'],
      ['events', 'create'],
      ['mutatingwebhookconfigurations', 'get, list, watch, patch', name],
      ['pods', 'get, list, watch'],
      ['pods', 'get, list, watch'],
    ])
  })

  it('has a schema in which a mistyped name is an error everywhere', () => {
    expect(openObjects(schema).filter((path) => !open(path))).toEqual([])
  })

  it.each([...annotationSettings].filter(([name]) => name !== 'image'))(
    'has bounds for the default of %s that the injector has, too',
    (name, setting) => {
      const bounds = ofValue('defaults', name)
      const taken = (text: string): boolean =>
        (bounds.enum?.includes(text) ?? true) && new RegExp(bounds.pattern ?? '').test(text)
      for (const text of [setting.example, setting.default ?? setting.example]) expect(taken(text), text).toBe(true)
      for (const word of bounds.enum ?? []) expect(setting.parse(String(word)).ok, String(word)).toBe(true)
      for (const [bound, beyond] of [
        [bounds.minimum, -1],
        [bounds.maximum, 1],
      ] as const) {
        if (bound === undefined || bound === 0) continue
        expect(setting.parse(String(bound)).ok, String(bound)).toBe(true)
        // The smallest step of CPU is a thousandth.
        const step = bound < 1 ? beyond / 1000 : beyond
        expect(setting.parse(String(bound + step)).ok, String(bound + step)).toBe(false)
      }
    },
  )
})
