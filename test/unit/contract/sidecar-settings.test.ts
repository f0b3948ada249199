import { describe, expect, it } from 'vitest'
import { readSidecarSettings, type SidecarSettings, sidecarSettings } from '../../../contract/sidecar-settings.ts'

type Environment = Readonly<Record<string, string | undefined>>

function settingsOf(environment: Environment): SidecarSettings {
  const result = readSidecarSettings({ SENSOR: 'zeek', ...environment })
  if (!result.ok) throw new Error(result.problems.join('\n'))
  return result.settings
}

function problemsOf(environment: Environment): readonly string[] {
  const result = readSidecarSettings({ SENSOR: 'zeek', ...environment })
  return result.ok ? [] : result.problems
}

describe('given an environment with nothing but SENSOR', () => {
  it('then every other setting has its default', () => {
    expect(settingsOf({})).toEqual({
      sensor: { kind: 'label', name: 'zeek' },
      sensorNamespace: '',
      sensorPort: 4789,
      vni: 1,
      interface: 'eth0',
      filter: '',
      direction: 'both',
      snaplen: 0,
      segment: 'fit',
      engine: 'auto',
      batch: 'auto',
      sourcePorts: 1,
      maxMbps: 0,
      sampleFlows: 100,
      metricsAddress: { host: undefined, port: 14_789 },
      logLevel: 'info',
      ringMib: 26,
      podNamespace: '',
      podName: '',
      nodeName: '',
      sharedKernel: false,
      zone: '',
    })
  })

  it('then the settings cannot be changed afterwards', () => {
    expect(Object.isFrozen(settingsOf({}))).toBe(true)
  })

  it('then variables of others are nobody’s business', () => {
    expect(problemsOf({ PATH: '/bin', VNIX: '-1', vni: '-1' })).toEqual([])
  })
})

describe('given SENSOR in each of its forms', () => {
  const forms: Record<string, SidecarSettings['sensor']> = {
    zeek: { kind: 'label', name: 'zeek' },
    'Zeek_1-a': { kind: 'label', name: 'Zeek_1-a' },
    'run=zeek.prod': { kind: 'label', name: 'zeek.prod' },
    'run=1.2.3.4': { kind: 'label', name: '1.2.3.4' },
    '10.1.2.3': { kind: 'address', address: '10.1.2.3' },
    'fd00::1': { kind: 'address', address: 'fd00::1' },
    '::ffff:10.0.0.1': { kind: 'address', address: '::ffff:10.0.0.1' },
    'sensor.example.org': { kind: 'host', host: 'sensor.example.org' },
    'sensor.example.org.': { kind: 'host', host: 'sensor.example.org.' },
  }
  for (const [text, sensor] of Object.entries(forms)) {
    it(`when it is ${text}, then it is taken for a sensor by ${sensor.kind}`, () => {
      expect(settingsOf({ SENSOR: text }).sensor).toEqual(sensor)
    })
  }
})

describe('given METRICS_ADDRESS in each of its forms', () => {
  const forms: Record<string, SidecarSettings['metricsAddress']> = {
    ':14789': { host: undefined, port: 14_789 },
    '127.0.0.1:1': { host: '127.0.0.1', port: 1 },
    '[::1]:65535': { host: '::1', port: 65535 },
    '': undefined,
  }
  for (const [text, address] of Object.entries(forms)) {
    it(`when it is "${text}", then it is ${address === undefined ? 'off' : `${address.host ?? 'every address'}, port ${address.port}`}`, () => {
      expect(settingsOf({ METRICS_ADDRESS: text }).metricsAddress).toEqual(address)
    })
  }
})

describe('given numbers, as decimals or in hex', () => {
  it('when they are at their bounds, then they are taken', () => {
    expect(settingsOf({ VNI: '0' }).vni).toBe(0)
    expect(settingsOf({ VNI: '16777215' }).vni).toBe(0xffffff)
    expect(settingsOf({ VNI: '0xFFFFFF' }).vni).toBe(0xffffff)
    expect(settingsOf({ SNAPLEN: '64' }).snaplen).toBe(64)
    expect(settingsOf({ SNAPLEN: '65535' }).snaplen).toBe(65535)
    expect(settingsOf({ SENSOR_PORT: '65535' }).sensorPort).toBe(65535)
    expect(settingsOf({ RING_MIB: '512' }).ringMib).toBe(512)
    expect(settingsOf({ SAMPLE_FLOWS: '1' }).sampleFlows).toBe(1)
    expect(settingsOf({ MAX_MBPS: '1000000' }).maxMbps).toBe(1_000_000)
  })
})

describe('given a Service named sensor, of which Kubernetes tells every container in variables', () => {
  it('then its SENSOR_PORT is not taken for ours, and a wrong one of ours is still refused', () => {
    expect(settingsOf({ SENSOR_PORT: 'tcp://10.96.3.7:4789', SENSOR_SERVICE_HOST: '10.96.3.7' }).sensorPort).toBe(4789)
    expect(settingsOf({ SENSOR_PORT: 'udp://[fd00::7]:8472' }).sensorPort).toBe(4789)
    expect(problemsOf({ SENSOR_PORT: '10.96.3.7:4789' })).toHaveLength(1)
  })
})

describe('given a hostile environment', () => {
  const hostile: readonly (readonly [variable: string, value: string])[] = [
    ['SENSOR', ''],
    ['SENSOR', '10.0.0'],
    ['SENSOR', '10.0.0.256'],
    ['SENSOR', 'zeek; rm -rf /'],
    ['SENSOR', '-zeek'],
    ['SENSOR', 'a'.repeat(64)],
    ['SENSOR', 'run='],
    ['SENSOR', '../../etc/passwd'],
    ['SENSOR', 'zeek\nrun=other'],
    ['SENSOR_NAMESPACE', 'Sensors'],
    ['SENSOR_NAMESPACE', '../kube-system'],
    ['SENSOR_NAMESPACE', '**'],
    ['SENSOR_PORT', '0'],
    ['SENSOR_PORT', '65536'],
    ['SENSOR_PORT', '4789 '],
    ['VNI', '-1'],
    ['VNI', '16777216'],
    ['VNI', '1e3'],
    ['VNI', '1.5'],
    ['VNI', ''],
    ['VNI', '0x'],
    ['VNI', 'NaN'],
    ['VNI', '９'],
    ['INTERFACE', ''],
    ['INTERFACE', 'eth0/../eth1'],
    ['INTERFACE', 'a-name-of-16-chr'],
    ['INTERFACE', 'äöüäöüäö'],
    ['INTERFACE', '..'],
    ['INTERFACE', 'eth0:1'],
    ['FILTER', 'x'.repeat(4097)],
    ['FILTER', 'tcp\u0000port 443'],
    ['DIRECTION', 'IN'],
    ['DIRECTION', 'inout'],
    ['SNAPLEN', '63'],
    ['SNAPLEN', '65536'],
    ['SNAPLEN', '-64'],
    ['SEGMENT', 'none'],
    ['ENGINE', 'xdp'],
    ['ENGINE', '__proto__'],
    ['BATCH', 'yes'],
    ['SOURCE_PORTS', '3'],
    ['SOURCE_PORTS', '0'],
    ['SOURCE_PORTS', '128'],
    ['SHARED_KERNEL', '1'],
    ['MAX_MBPS', '1000001'],
    ['MAX_MBPS', 'Infinity'],
    ['SAMPLE_FLOWS', '0'],
    ['SAMPLE_FLOWS', '101'],
    ['SAMPLE_FLOWS', '50%'],
    ['METRICS_ADDRESS', '9411'],
    ['METRICS_ADDRESS', ':65536'],
    ['METRICS_ADDRESS', 'localhost:9411'],
    ['METRICS_ADDRESS', '[::1'],
    ['METRICS_ADDRESS', '[127.0.0.1]:9411'],
    ['LOG_LEVEL', 'INFO'],
    ['RING_MIB', '0'],
    ['RING_MIB', '513'],
    ['POD_NAMESPACE', 'a/b'],
    ['POD_NAME', 'web\n{"level":60}'],
    ['NODE_NAME', 'node 1'],
    ['ZONE', 'eu,us'],
  ]
  for (const [variable, value] of hostile) {
    const shown = JSON.stringify(value.length > 30 ? `${value.slice(0, 27)}...` : value)
    it(`when ${variable}=${shown}, then it is refused in one line with the variable, what is allowed and an example`, () => {
      const problems = problemsOf({ [variable]: value })
      expect(problems).toHaveLength(1)
      const [problem = ''] = problems
      const setting = Object.values(sidecarSettings).find(({ env }) => env === variable)!
      expect(problem.startsWith(variable)).toBe(true)
      expect(problem).toContain(`it must be ${setting.allowed}`)
      expect(problem).toContain(`for example ${variable}=${setting.example}`)
      expect(problem).not.toContain('\n')
      expect(problem.length).toBeLessThan(500)
    })
  }

  it('when several are wrong, then all of them are named at once', () => {
    const problems = problemsOf({ SENSOR: '', VNI: 'x', ENGINE: 'y', RING_MIB: 'z' })
    expect(problems.map((problem) => /^[A-Z_]+/.exec(problem)?.[0])).toEqual(['SENSOR', 'VNI', 'ENGINE', 'RING_MIB'])
  })

  it('then there is a refusal for every setting', () => {
    const refused = new Set(hostile.map(([variable]) => variable))
    expect(Object.values(sidecarSettings).filter(({ env }) => !refused.has(env))).toEqual([])
  })

  it('then every example and every default is itself allowed', () => {
    for (const setting of Object.values(sidecarSettings)) {
      // A FILTER is quoted for the shell.
      const example = setting.example.replace(/^'(.*)'$/, '$1')
      expect(problemsOf({ [setting.env]: example }), `${setting.env}=${example}`).toEqual([])
      if (setting.default !== undefined) expect(problemsOf({ [setting.env]: setting.default })).toEqual([])
    }
  })
})
