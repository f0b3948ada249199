import { describe, expect, it } from 'vitest'
import { containerEnvironment, expand } from '../../../../lab/kubelet/environment.ts'

const pod = {
  metadata: { name: 'web', namespace: 'shop', uid: 'u-1', labels: { 'topology.kubernetes.io/zone': 'a' } },
  spec: { containers: [], serviceAccountName: 'shopper' },
}
const facts = { nodeName: 'node-1', hostIP: '10.0.0.1', podIPs: ['10.0.1.2', 'fd00::2'] }
const environmentOf = (env: { name: string; value?: string; path?: string }[]) =>
  containerEnvironment(
    {
      name: 'c',
      env: env.map(({ name, value, path }) =>
        path === undefined
          ? { name, ...(value === undefined ? {} : { value }) }
          : { name, valueFrom: { fieldRef: { fieldPath: path } } },
      ),
    },
    pod,
    facts,
    { host: '10.88.0.1', port: 6443 },
  )

describe('the environment of a container', () => {
  it('says where the API server is, and the name of the pod', () => {
    expect(environmentOf([])).toEqual({
      KUBERNETES_SERVICE_HOST: '10.88.0.1',
      KUBERNETES_SERVICE_PORT: '6443',
      HOSTNAME: 'web',
    })
  })

  it.each([
    ['metadata.name', 'web'],
    ['metadata.namespace', 'shop'],
    ['metadata.uid', 'u-1'],
    ["metadata.labels['topology.kubernetes.io/zone']", 'a'],
    ["metadata.labels['absent']", ''],
    ['spec.nodeName', 'node-1'],
    ['spec.serviceAccountName', 'shopper'],
    ['status.hostIP', '10.0.0.1'],
    ['status.podIP', '10.0.1.2'],
    ['status.podIPs', '10.0.1.2,fd00::2'],
  ])('has the downward field %s', (path, value) => {
    expect(environmentOf([{ name: 'X', path }])['X']).toBe(value)
  })

  it('refuses a field that the downward API does not have', () => {
    expect(() => environmentOf([{ name: 'X', path: 'spec.containers' }])).toThrow('X: the field spec.containers')
  })

  it('puts earlier variables into later ones', () => {
    const environment = environmentOf([
      { name: 'A', value: 'x' },
      { name: 'B', value: '$(A)-$(LATER)-$$(A)' },
    ])
    expect(environment['B']).toBe('x-$(LATER)-$(A)')
  })
})

describe('expansion', () => {
  it('turns two dollar signs into one and leaves a lone one', () => {
    expect(expand('100$ $$ $(', {})).toBe('100$ $ $(')
  })
})
