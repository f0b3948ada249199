/** `vxtap status` and `vxtap why` as the programs that they are: plain Node, a kubeconfig, exit codes; and with many pods. */
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { StatusReport } from '../../../status/report.ts'
import {
  metricsText,
  plainPod,
  type StatusCluster,
  startStatusCluster,
  tappedPod,
} from '../../support/status-cluster.ts'

const program = fileURLToPath(new URL('../../../cli/main.ts', import.meta.url))
const tellMemory =
  "data:text/javascript,process.on('exit',()=>process.stderr.write('maxrss='+process.resourceUsage().maxRSS))"

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  readonly maxRssKiB: number
}

function vxtap(args: readonly string[], environment: Record<string, string> = {}): Promise<Ended> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--import', tellMemory, program, ...args],
    {
      env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const said = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text
    })
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      const [stderr = '', memory] = said.stderr.split('maxrss=')
      resolve({ code, stdout: said.stdout, stderr, maxRssKiB: Number(memory) })
    })
  })
}

let cluster: StatusCluster
let asking = 0
let mostAsking = 0
const manyPods = 1000
const [blind, tapped] = [100, 900]

beforeAll(async () => {
  cluster = await startStatusCluster(async (_pod, _port, path) => {
    mostAsking = Math.max(mostAsking, ++asking)
    await sleep(5)
    asking--
    return { status: 200, text: path === '/readyz' ? 'captures eth0 and sends to 1 sensor\n' : metricsText({}) }
  })
  // As much as pods of a real cluster bring along.
  const ballast = { kubectl: 'x'.repeat(8000) }
  for (let index = 0; index < manyPods; index++) {
    const pod = index < blind ? plainPod(`web-${index}`) : tappedPod(`web-${index}`)
    const annotations = { ...pod.metadata?.annotations, ...ballast }
    const { namespace = '', name = '' } = (
      await cluster.api.pods.create({ ...pod, metadata: { ...pod.metadata, annotations } })
    ).metadata
    cluster.api.pods.setStatus(namespace, name, { phase: 'Running' })
  }
}, 60_000)
afterAll(() => cluster.dispose())

describe('given a thousand pods', () => {
  it('when vxtap status is asked, then it reads pages, asks a few sidecars at once, and stays small', async () => {
    const before = cluster.api.requests.length
    const ended = await vxtap(['status', '-A', '-o', 'json', '--kubeconfig', cluster.kubeconfig])
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    const { summary } = JSON.parse(ended.stdout) as StatusReport
    expect(summary).toEqual({ pods: manyPods, tapped, refused: 0, blind, olderSidecars: 0, unwell: 0 })
    const requests = cluster.api.requests.slice(before)
    const lists = requests.filter(({ verb, resource }) => verb === 'list' && resource === 'pods')
    expect(lists.map(({ target }) => new URL(target, 'https://api').searchParams.get('limit'))).toEqual(
      Array(manyPods / 100).fill('100'),
    )
    expect(requests.filter(({ target }) => target.includes('/proxy/')).length).toBe(2 * tapped)
    expect(mostAsking).toBeLessThanOrEqual(16)
    expect(ended.maxRssKiB).toBeLessThan(300 * 1024)
  }, 60_000)

  it('when it is asked to fail on blind spots, then it ends with 2, after it has said how many', async () => {
    const ended = await vxtap(['status', '--fail-on-blind-spots', '--no-health'], { KUBECONFIG: cluster.kubeconfig })
    expect(ended.code).toBe(2)
    expect(ended.stdout).toContain('100 pods in a blind spot')
    expect(ended.stdout).not.toContain('\x1b[')
  }, 60_000)

  it('when why is asked, then one pod is read and no list of pods', async () => {
    const before = cluster.api.requests.length
    const ended = await vxtap(['why', 'pod', 'web-0', '-n', 'shop', '--context', 'lab'], {
      KUBECONFIG: cluster.kubeconfig,
    })
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(ended.stdout).toMatch(/^pod shop\/web-0: not tapped, and could be \(started_without_injector\)\n/)
    const pods = cluster.api.requests.slice(before).filter(({ resource }) => resource === 'pods')
    expect(pods.map(({ verb }) => verb)).toEqual(['get'])
  }, 60_000)
})

describe('given what cannot be answered', () => {
  it.each([
    [
      'no cluster',
      ['status'],
      {},
      78,
      'vxtap status: no cluster is configured: there is no --kubeconfig, KUBECONFIG is not set',
    ],
    [
      'no kubeconfig',
      ['status', '--kubeconfig', '/nonexistent'],
      {},
      78,
      'vxtap status: the kubeconfig /nonexistent cannot be used',
    ],
    ['no subject', ['why'], {}, 64, "missing required argument 'what'"],
    ['a wrong time', ['status', '--timeout', 'soon'], {}, 64, 'It must be a number of seconds of 0.1 to 300.'],
  ])(
    '%s: a sentence on standard error, and the exit code',
    async (_case, args, environment, code, sentence) => {
      const ended = await vxtap(args, environment)
      expect(ended.stderr).toContain(sentence)
      expect(ended).toMatchObject({ code, stdout: '' })
    },
    60_000,
  )
})
