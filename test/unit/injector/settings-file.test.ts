import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { annotationSettings } from '../../../contract/annotations.ts'
import { defaultVariable, injectorSettings } from '../../../contract/injector-settings.ts'
import { settingsOfFile } from '../../../contract/settings-file.ts'
import type { JsonObject } from '../../../injector/json.ts'
import { settingsParser, variablesIn } from '../../../injector/settings-file.ts'
import { startInjectorProcess } from '../../support/injector-process.ts'
import { type ServedInjector, serveInjector } from '../../support/injector-server.ts'
import { mountFiles } from '../../support/mounted-files.ts'
import { optedIn, pod, review } from './fixtures.ts'

const environment = { IMAGE: 'example.com/vxtap:1', DEFAULT_SENSOR: 'zeek', DEFAULT_VNI: '7', POD_SECURITY: 'ignore' }
const parsed = (text: string) => settingsParser(environment)(Buffer.from(text), 'settings.yaml')
const settings = (text: string) => {
  const result = parsed(text)
  if (!result.ok) throw new Error(result.problems.join('\n'))
  return result.value
}
const problems = (text: string) => {
  const result = parsed(text)
  return result.ok ? [] : result.problems
}

describe('the settings file', () => {
  it('has every annotation’s default, and nothing that cannot change while the injector runs', () => {
    const defaults = [...annotationSettings.keys()].map((name) => `defaults.${name}`)
    const others = [...settingsOfFile.keys()].filter((path) => !path.startsWith('defaults.'))
    expect([...settingsOfFile.keys()].filter((path) => path.startsWith('defaults.'))).toEqual(defaults)
    expect(others).toEqual([
      ...['allowedOverrides', 'excludedNamespaces', 'podSecurity', 'podSecurityDefault', 'imagePullPolicy', 'logLevel'],
    ])
  })

  it('wins over the environment, setting by setting; what it does not have is the environment’s', () => {
    const { defaults, podSecurity, allowedOverrides, excludedNamespaces } = settings(`
defaults: {vni: 42, filter: not port 443, hold: true, cpu-limit: 2}
allowedOverrides: [vni, filter]
excludedNamespaces: []
`)
    expect(defaults).toEqual({
      ...{ image: 'example.com/vxtap:1', sensor: 'zeek', vni: '42', filter: 'not port 443' },
      ...{ hold: 'true', 'cpu-limit': '2' },
    })
    expect([...allowedOverrides]).toEqual(['vni', 'filter'])
    expect([...excludedNamespaces]).toEqual([])
    expect(podSecurity).toBe('ignore')
  })

  it('may be JSON, empty, or hold nothing but comments and nulls', () => {
    expect(settings('{"defaults":{"vni":"9"}}').defaults['vni']).toBe('9')
    for (const text of ['', '# nothing\n', 'defaults:\n', 'podSecurity: null\nallowedOverrides:\n', 'null']) {
      expect(settings(text)).toEqual(settings(''))
    }
  })

  it('takes as a text what each setting has as its example, whatever YAML makes of it', () => {
    for (const { path, variable, setting } of settingsOfFile.values()) {
      const [key, name] = path.split('.') as [string, string | undefined]
      const document = name === undefined ? { [key]: setting.example } : { [key]: { [name]: setting.example } }
      expect(variablesIn(stringify(document))).toEqual({ ok: true, value: { [variable]: setting.example } })
    }
  })

  it('is refused with every problem, each with its path, its value and what is allowed', () => {
    const found = problems(`
defaults: {vni: 16777216, senser: zeek, filter: [a], image: 'a b'}
allowedOverrides: [vni, nonsense]
excludedNamespaces: [Upper]
podSecurity: maybe
podSecuritie: skip
logLevel: {a: 1}
`)
    expect(found).toEqual([
      expect.stringMatching(
        /^settings\.yaml: defaults\.vni="16777216" is not allowed: it must be a whole number from 0 to 16777215.*for example/,
      ),
      'settings.yaml: defaults.senser is not a setting of this file: did you mean defaults.sensor?',
      expect.stringMatching(/^settings\.yaml: defaults\.image="a b" is not allowed/),
      expect.stringMatching(/^settings\.yaml: allowedOverrides\[1\]="nonsense" is not allowed/),
      expect.stringMatching(/^settings\.yaml: excludedNamespaces\[0\]="Upper" is not allowed/),
      expect.stringMatching(/^settings\.yaml: podSecurity="maybe" is not allowed: it must be skip or ignore/),
      'settings.yaml: podSecuritie is not a setting of this file: did you mean podSecurity?',
      expect.stringMatching(/^settings\.yaml: logLevel is neither a text nor a number/),
    ])
  })

  it.each([
    ['what is no YAML', 'defaults: {vni', /^settings\.yaml: line 1: /],
    ['a key that is there twice', 'podSecurity: skip\npodSecurity: ignore', /line 2: .*unique/],
    ['a list', '- a', /not a map of settings/],
    ['a text', 'podSecurity', /not a map of settings/],
    ['defaults that are a list', 'defaults: [a]', /defaults is not a map/],
    [
      'an alias that grows without end',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefgh'].map((name, index) => `${name}: &${name} [${`*${'abcdefgh'[index]},`.repeat(9)}]`).join('\n')}`,
      /alias|not a setting/i,
    ],
    ['a name without end', `${'x'.repeat(1000)}: 1`, /xxx\.\.\. is not a setting of this file: known are/],
    ['a key called __proto__', '__proto__: {a: 1}', /__proto__ is not a setting/],
  ])('is refused where it is %s', (_what, text, sentence) => {
    const found = problems(text)
    expect(found.join('\n')).toMatch(sentence)
    expect(found.join('\n').length).toBeLessThan(20_000)
  })
})

describe('given an injector with a mounted settings file', () => {
  let directory: string
  let served: ServedInjector
  const write = (text: string) => mountFiles(directory, { 'settings.yaml': text })
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'vxtap-settings-'))
    await write('defaults: {vni: 1}')
    served = await serveInjector({ SETTINGS_FILE: join(directory, 'settings.yaml') })
  })
  afterEach(async () => {
    await served.dispose()
    await rm(directory, { recursive: true })
  })

  const answer = async (annotations: JsonObject = {}) => {
    const object = pod({ labels: optedIn, annotations })
    const { response } = JSON.parse((await served.post(JSON.stringify(review(object)))).body)
    return { response, patch: Buffer.from(response.patch ?? '', 'base64').toString() }
  }
  const vni = async () => /"name":"VNI","value":"(\d+)"/.exec((await answer()).patch)?.[1]
  const metrics = async () => (await fetch(`http://127.0.0.1:${served.metricsPort}/metrics`)).text()
  const until = async (holds: () => boolean | Promise<boolean>) => {
    for (let tries = 0; tries < 250; tries++) {
      if (await holds()) return
      await sleep(20)
    }
    throw new Error('waited 5 s in vain')
  }
  const said = (pattern: RegExp) => served.log.filter(({ msg }) => pattern.test(String(msg)))

  it('when it changes, then the next pod is decided on by what is in it, and that is said and counted', async () => {
    expect(await vni()).toBe('1')
    await write('defaults: {vni: 42}')
    await until(async () => (await vni()) === '42')
    await write('defaults: {vni: 43}\nallowedOverrides: []\nlogLevel: silent')
    await until(async () => (await vni()) === '43')
    expect((await answer({ 'vxtap.io/vni': '5' })).response.auditAnnotations.decision).toBe('override_not_allowed')
    expect(said(/settings file changed; pods/)).toHaveLength(1)
    expect(await metrics()).toContain('vxtap_injector_settings_reloads_total{result="taken"} 2')
  })

  it('when it changes to something wrong, then the last good one stays in force, which is said once, and counted', async () => {
    await write('defaults: {vni: 42}')
    await until(async () => (await vni()) === '42')
    await write('defaults: {vni: 43, sensor: "a b"}\npodSecurity: maybe')
    await until(() => said(/not allowed; the settings of before stay/).length > 0)
    await sleep(200)
    expect(await vni()).toBe('42')
    expect(said(/stay in force/)).toEqual([
      expect.objectContaining({
        level: 50,
        problems: [expect.stringContaining('defaults.sensor="a b"'), expect.stringContaining('podSecurity="maybe"')],
      }),
    ])
    expect(await metrics()).toContain('vxtap_injector_settings_refused 1')

    await write('defaults: {vni: 42}')
    await until(async () => (await metrics()).includes('vxtap_injector_settings_refused 0'))
    expect(said(/settings file changed; pods/)).toHaveLength(2)
  })

  it('when it is gone, then the last good one stays in force, and it is said', async () => {
    await mountFiles(directory, { another: '' })
    await until(() => said(/stay in force: cannot read .*settings\.yaml/).length > 0)
    expect(await vni()).toBe('1')
  })
})

describe('given a settings file that is wrong at the start', () => {
  it('the injector names every problem of it and of the environment, and ends with 78', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'vxtap-settings-'))
    await mountFiles(directory, { 'settings.yaml': 'defaults: {vni: x}\npodSecurity: maybe' })
    const file = join(directory, 'settings.yaml')
    const failure = startInjectorProcess({ SETTINGS_FILE: file, DRAIN_SECONDS: '-1' }).then(
      () => 'it served',
      (error: Error) => error.message,
    )
    const lines = (await failure).split('\n')
    expect(lines[0]).toContain('exit code 78')
    for (const part of [`${file}: defaults.vni="x"`, `${file}: podSecurity="maybe"`, 'DRAIN_SECONDS="-1"']) {
      expect(lines.filter((line) => line.includes(part))).toHaveLength(1)
    }
    await expect(startInjectorProcess({ SETTINGS_FILE: '/nowhere/settings.yaml' })).rejects.toThrow(
      /exit code 78: .*cannot read \/nowhere\/settings\.yaml/,
    )
    await rm(directory, { recursive: true })
  })

  it('has a variable for each of its settings, so that one table says what both may be', () => {
    const variables = new Set([
      ...Object.values(injectorSettings).map(({ env }) => env as string),
      ...[...annotationSettings.keys()].map(defaultVariable),
    ])
    expect([...settingsOfFile.values()].filter(({ variable }) => !variables.has(variable))).toEqual([])
  })
})
