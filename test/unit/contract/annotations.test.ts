import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  annotationSettings,
  injectKey,
  notOverridableByDefault,
  overridable,
  statusKey,
} from '../../../contract/annotations.ts'
import { explain, injectionReasons, type ReasonCode, reasonAnchor } from '../../../contract/injection-reasons.ts'
import { defaultVariable, injectorSettings, readInjectorSettings } from '../../../contract/injector-settings.ts'
import { parseCpu, parseMemory } from '../../../contract/quantity.ts'
import { sidecarSettings } from '../../../contract/sidecar-settings.ts'

describe('the annotations', () => {
  it.each([...annotationSettings])('%s: its example and its default are allowed', (_name, setting) => {
    const example = setting.example.replace(/^'(.*)'$/, '$1')
    expect(setting.parse(example).ok).toBe(true)
    if (setting.default !== undefined) expect(setting.parse(setting.default).ok).toBe(true)
  })

  it('have every setting of the sidecar that names one, and the injector its own', () => {
    const ofSidecar = Object.values(sidecarSettings).flatMap((setting) =>
      'annotation' in setting ? [setting.annotation] : [],
    )
    expect([...annotationSettings.keys()]).toEqual(expect.arrayContaining(ofSidecar))
    expect([...annotationSettings.keys()]).toEqual(
      expect.arrayContaining([
        'image',
        'cpu-request',
        'cpu-limit',
        'memory-request',
        'memory-limit',
        'native-sidecar',
        'hold',
      ]),
    )
  })

  it('are valid Kubernetes annotation names', () => {
    for (const name of [...annotationSettings.keys()].map((key) => `vxtap.io/${key}`).concat(injectKey, statusKey)) {
      expect(name).toMatch(/^vxtap\.io\/[a-z]([a-z-]{0,61}[a-z])?$/)
    }
  })

  it('withhold from pods what would send the mirror elsewhere, or give the sidecar more capabilities', () => {
    expect(notOverridableByDefault).toEqual(['sensor-address', 'engine-kernel', 'image'])
    expect(overridable).toEqual(expect.arrayContaining([...notOverridableByDefault]))
  })
})

describe('the reasons', () => {
  it.each(Object.keys(injectionReasons) as ReasonCode[])('%s is fit for a metric label and an anchor', (code) => {
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/)
    expect(reasonAnchor(code)).toMatch(/^docs\/injection-reasons\.md#[a-z-]+$/)
    expect(injectionReasons[code].sentence).not.toMatch(/\.$/)
  })

  it('fill in their parameters, whatever these contain', () => {
    expect(explain('name_taken', { name: '$& {name}' })).toContain('named $& {name} that')
  })
})

describe('quantities', () => {
  it.each(['1m', '50m', '0.5', '1', '1.25', '64'])('CPU %s is allowed', (text) => expect(parseCpu(text).ok).toBe(true))
  it.each(['', '0', '0m', '-1', '1 ', '1.0005', '65', '1k', '1e3', '50M', '.5', '٣'])('CPU %j is not', (text) =>
    expect(parseCpu(text).ok).toBe(false),
  )
  it.each(['32Mi', '128Mi', '0.5Gi', '200M', '64Gi', '134217728', '99000k'])('memory %s is allowed', (text) =>
    expect(parseMemory(text).ok).toBe(true),
  )
  it.each(['', '128m', '31Mi', '65Gi', '128mi', '128MB', '1Ti', '-1Gi', '1e9'])('memory %j is not', (text) =>
    expect(parseMemory(text).ok).toBe(false),
  )

  it('amount to what Kubernetes takes them for', () => {
    expect(parseCpu('250m')).toEqual({ ok: true, value: { text: '250m', amount: 0.25 } })
    expect(parseMemory('1.5Gi')).toMatchObject({ ok: true, value: { amount: 1610612736 } })
  })

  it('never throw', () => {
    fc.assert(fc.property(fc.string(), (text) => void [parseCpu(text), parseMemory(text)]))
  })
})

describe("the injector's settings", () => {
  const read = (environment: Record<string, string>) => {
    const result = readInjectorSettings(environment)
    if (!result.ok) throw new Error(result.problems.join('\n'))
    return result.settings
  }
  const problems = (environment: Record<string, string>) => {
    const result = readInjectorSettings(environment)
    return result.ok ? [] : result.problems
  }

  it('need an image and nothing else', () => {
    expect(problems({})).toEqual([expect.stringMatching(/^IMAGE is not set: it must be a container image/)])
    expect(read({ IMAGE: 'vxtap:1' })).toMatchObject({
      listenAddress: { host: undefined, port: 8443 },
      metricsAddress: { port: 9412 },
      drainSeconds: 20,
      podSecurity: 'skip',
      podSecurityDefault: 'privileged',
      defaults: { image: 'vxtap:1' },
    })
  })

  it('let pods override everything but the image and an address, unless told otherwise', () => {
    const byDefault = read({ IMAGE: 'v' }).allowedOverrides
    expect([
      byDefault.has('sensor'),
      byDefault.has('vni'),
      byDefault.has('sensor-address'),
      byDefault.has('image'),
    ]).toEqual([true, true, false, false])
    expect([...read({ IMAGE: 'v', ALLOWED_OVERRIDES: ' vni, sensor-address ' }).allowedOverrides]).toEqual([
      'vni',
      'sensor-address',
    ])
    expect(read({ IMAGE: 'v', ALLOWED_OVERRIDES: '' }).allowedOverrides.size).toBe(0)
  })

  it('are not taken from what Kubernetes says of a Service named default-sensor', () => {
    expect(read({ IMAGE: 'v', DEFAULT_SENSOR_PORT: 'tcp://10.96.3.7:80' }).defaults).toEqual({ image: 'v' })
    expect(problems({ IMAGE: 'v', DEFAULT_SENSOR_PORT: '10.96.3.7:80' })).toHaveLength(1)
  })

  it('take a default for every annotation', () => {
    for (const [name, setting] of annotationSettings) {
      const text = setting.example.replace(/^'(.*)'$/, '$1')
      expect(read({ IMAGE: 'v', [defaultVariable(name)]: text }).defaults[name]).toBe(text)
    }
    expect(defaultVariable('max-mbps')).toBe('DEFAULT_MAX_MBPS')
    expect(defaultVariable('native-sidecar')).toBe('NATIVE_SIDECARS')
  })

  it('report every wrong value at once, each with what is allowed', () => {
    const found = problems({
      IMAGE: 'a b',
      DEFAULT_VNI: '-1',
      DRAIN_SECONDS: '1.5',
      LISTEN_ADDRESS: '',
      ALLOWED_OVERRIDES: 'vni,bogus',
      EXCLUDED_NAMESPACES: 'Kube',
      NATIVE_SIDECARS: 'maybe',
    })
    expect(found).toHaveLength(7)
    for (const problem of found)
      expect(problem).toMatch(/^[A-Z_]+=".*" is not allowed: it must be .+, for example [A-Z_]+=/)
  })

  it.each(Object.entries(injectorSettings))('%s: its example and its default are allowed', (_key, setting) => {
    expect(setting.parse(setting.example).ok).toBe(true)
    expect(setting.parse(setting.default).ok).toBe(true)
  })
})
