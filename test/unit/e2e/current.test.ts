import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { type ClusterFacts, environmentOf, type NodeObject, refusal } from '../../e2e/world/current.ts'
import { imageOptions, parseImage } from '../../e2e/world/images.ts'

const node = (name: string, more: { spec?: NodeObject['spec']; ready?: string; os?: string } = {}): NodeObject => ({
  metadata: { labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': more.os ?? 'linux' } },
  spec: more.spec ?? {},
  status: { conditions: [{ type: 'Ready', status: more.ready ?? 'True' }] },
})
const cluster = (more: Partial<ClusterFacts> = {}): ClusterFacts => ({
  context: 'kind-test',
  server: 'https://127.0.0.1:6443',
  version: 'v1.30.4-gke.1',
  nodes: [node('one')],
  namespaces: ['default', 'kube-system'],
  webhooks: [],
  ...more,
})

describe('the suite on a cluster at hand', () => {
  it('runs where nothing stands against it', () => {
    expect(refusal(cluster(), 'registry.example/vxtap:1')).toBeUndefined()
  })

  it.each<[string, RegExp, ClusterFacts, string]>([
    ['without an image', /^IMAGE is not set/, cluster(), ''],
    [
      'where vxtap is installed',
      /vxtap is installed.*kind-test.*webhook\/tap/,
      cluster({ webhooks: ['webhook/tap'] }),
      'i',
    ],
    ['where it would take over a namespace', /\(shop\)/, cluster({ namespaces: ['default', 'shop'] }), 'i'],
    ['without a node that takes pods', /no Linux node/, cluster({ nodes: [] }), 'i'],
  ])('does not run %s', (_where, message, facts, image) => {
    expect(refusal(facts, image)).toMatch(message)
  })

  it('uses the nodes that take pods, and hides what it knows of a cluster of its own', () => {
    const nodes = [
      node('one'),
      node('cordoned', { spec: { unschedulable: true } }),
      node('control-plane', { spec: { taints: [{ effect: 'NoSchedule' }] } }),
      node('windows', { os: 'windows' }),
      node('gone', { ready: 'Unknown' }),
      node('two', { spec: { taints: [{ effect: 'PreferNoSchedule' }] } }),
    ]
    expect(environmentOf(cluster({ nodes }))).toEqual({
      E2E_CONTEXT: 'kind-test',
      E2E_NODES: 'one,two',
      K8S_VERSION: '1.30.4',
      NODE_PIDS: '',
      API_SERVER_PID_FILE: '',
    })
  })
})

describe('the name of an image', () => {
  it.each([
    ['vxtap', { repository: 'vxtap', tag: '', digest: '' }],
    ['registry.example:5000/vxtap', { repository: 'registry.example:5000/vxtap', tag: '', digest: '' }],
    ['registry.example:5000/vxtap:0.1.0', { repository: 'registry.example:5000/vxtap', tag: '0.1.0', digest: '' }],
    ['a/vxtap@sha256:0f', { repository: 'a/vxtap', tag: '', digest: 'sha256:0f' }],
    ['a/vxtap:1@sha256:0f', { repository: 'a/vxtap', tag: '1', digest: 'sha256:0f' }],
  ])('%s is taken apart', (reference, parts) => {
    expect(parseImage(reference)).toEqual(parts)
  })

  it('becomes options of helm', () => {
    expect(imageOptions(parseImage('a/vxtap:1@sha256:0f'))).toEqual([
      ...['--set', 'image.tag=1', '--set', 'image.digest=sha256:0f'],
    ])
    expect(imageOptions(parseImage('a/vxtap'))).toEqual([])
  })
})

describe('scripts/e2e.sh', () => {
  const script = fileURLToPath(new URL('../../../scripts/e2e.sh', import.meta.url))
  const says = (env: Record<string, string>): { status: number; said: string } => {
    try {
      execFileSync('sh', [script], { env: { PATH: process.env['PATH'] ?? '', ...env }, stdio: 'pipe', timeout: 5000 })
    } catch (error) {
      const { status, stderr } = error as { status: number; stderr: Buffer }
      return { status, said: stderr.toString() }
    }
    throw new Error('it went on')
  }

  it.each<[string, Record<string, string>, RegExp]>([
    ['a kubeconfig on the command line alone', { KUBECONFIG_ON_COMMAND_LINE: '1' }, /add CLUSTER=current/],
    ['an image alone', { IMAGE: 'a/vxtap:1' }, /add CLUSTER=current/],
    ['a release for a cluster at hand', { CLUSTER: 'current', K8S: '1.28' }, /K8S=1\.28 chooses/],
    ['a cluster that it does not know', { CLUSTER: 'mine' }, /CLUSTER is "mine": current, or not set/],
  ])('given %s, says what to do and starts nothing', (_given, env, message) => {
    const { status, said } = says(env)
    expect(status).toBe(64)
    expect(said).toMatch(message)
  })
})
