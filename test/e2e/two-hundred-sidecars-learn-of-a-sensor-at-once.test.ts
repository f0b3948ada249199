/** The API server's side of many taps: 200 times the sidecar's own discovery, by its rights and its connections. */
import { availableParallelism, cpus } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { apiServerProcess, describeWhere } from './world/abilities.ts'
import { apiServerMetrics, apiServerPid, type Cost, cost, cpuSeconds } from './world/api-server.ts'
import { apiServerAddress, Crowd, type CrowdReport, count, mountAccounts, spreadOf } from './world/crowd.ts'
import { useFolder } from './world/evidence.ts'
import { apply, eventually, kubectl, list, rolledOut } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { otherNode } from './world/nodes.ts'
import { idleContainer, onNode, pod, sensorTemplate } from './world/workloads.ts'

const sidecars = Number(process.env['E2E_SIDECARS'] ?? 200)
const sensors = useNamespace('watched')
const applications = useNamespace('watching', {}, [sensors])
const folder = useFolder()
const neverScheduled = { schedulingGates: [{ name: 'example.com/never' }] }
const kilo = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`
const mega = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`

const watches = async (): Promise<number> =>
  (await apiServerMetrics())('apiserver_longrunning_requests', 'resource="pods"', 'scope="namespace"', 'verb="WATCH"')

/** Of sensors that are there to stay. */
const addresses = async (): Promise<string[]> => {
  const pods = await list<{ metadata: { deletionTimestamp?: string }; status: { podIP: string } }>(
    sensors,
    'pod',
    'run=sensor',
  )
  return pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined).map(({ status }) => status.podIP)
}

describeWhere(apiServerProcess, `given ${sidecars} sidecars that look for a sensor`, () => {
  let crowd: Crowd | undefined
  let before: Cost
  let watchesBefore = 0
  let dispatchedBefore = 0

  const dispatched = async (): Promise<number> =>
    (await apiServerMetrics())(
      'apiserver_flowcontrol_dispatched_requests_total',
      'flow_schema="service-accounts"',
      'priority_level="workload-low"',
    )
  const allKnow = (seconds: number): Promise<CrowdReport> =>
    eventually(
      'all know the sensor that is there, and no other',
      async () => {
        const there = (await addresses()).join()
        const report = await crowd!.report()
        return there !== '' && report.known.every((known) => known.addresses.join() === there) && report
      },
      seconds,
    )
  /** A new sensor, and the old one's end. */
  const replaceSensor = async (): Promise<void> => {
    await kubectl(['-n', sensors, 'rollout', 'restart', 'deployment/sensors'])
    await rolledOut(sensors, 'deployment/sensors')
    await eventually('the old sensor is gone', async () => (await list(sensors, 'pod', 'run=sensor')).length === 1)
  }

  beforeAll(async () => {
    const selector = { matchLabels: { run: 'sensor' } }
    const spec = { replicas: 1, selector, template: sensorTemplate('sensor', onNode(otherNode)) }
    await apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'sensors', namespace: sensors }, spec })
    await rolledOut(sensors, 'deployment/sensors')
    const { ca, ...server } = await apiServerAddress()
    const names = Array.from({ length: 8 }, (_, index) => `application-${index}`)
    const directories = await mountAccounts(folder.path, applications, names, ca)
    watchesBefore = await watches()
    dispatchedBefore = await dispatched()
    before = await cost()
    const order = { ...server, sidecars, directories, sensor: 'sensor', sensorNamespace: sensors }
    crowd = Crowd.start(order, Math.min(4, 2 * availableParallelism()))
    await allKnow(60)
  })
  afterAll(() => {
    crowd?.stop()
    folder.remove()
  })

  it('then each has one connection and one watch, and holds no seat of its priority level', async ({ annotate }) => {
    // Others come and go: a tap of the scenario before may still have been ending when they were counted.
    const others = 0.05 * sidecars
    await eventually('each has its watch', async () => {
      return Math.abs((await watches()) - watchesBefore - sidecars) < others
    })
    const report = await crowd!.report()
    expect(report.openConnections).toBe(sidecars)
    expect(count(report, 'list', 'ok')).toBe(sidecars)
    expect(await dispatched()).toBeGreaterThanOrEqual(dispatchedBefore + 2 * sidecars)
    const metrics = await apiServerMetrics()
    const level = 'priority_level="workload-low"'
    const seats = metrics('apiserver_flowcontrol_nominal_limit_seats', level)
    expect(seats).toBeGreaterThan(0)
    expect(metrics('apiserver_flowcontrol_current_executing_seats', level)).toBeLessThan(10)
    const after = await cost()
    const each = (of: (at: Cost) => number): number => (of(after) - of(before)) / sidecars
    await annotate(
      `${sidecars} watches, one connection each, on ${cpus()[0]?.model}, ${cpus().length} cores: API server ${mega(before.residentBytes)} resident before, ${mega(after.residentBytes)} after; in use ${kilo(each((at) => at.liveBytes))} and ${each((at) => at.goroutines).toFixed(1)} goroutines more for each; list and start of the watch took ${(1000 * each((at) => at.cpuSeconds)).toFixed(1)} ms of its CPU and ${kilo(report.bytesRead / sidecars)} for each; workload-low has ${seats} seats`,
      'figure',
    )
  })

  it('when pods without the label come, here and elsewhere, then none is told of them', async ({ annotate }) => {
    const { bytesRead } = await crowd!.report()
    const others = 100
    const spent: number[] = []
    for (const namespace of [applications, sensors]) {
      const cpu = cpuSeconds()
      const names = Array.from({ length: others }, (_, index) => `other-${index}`)
      await apply(...names.map((name) => pod({ name, namespace }, idleContainer, neverScheduled)))
      await sleep(3000)
      spent.push(cpuSeconds() - cpu)
    }
    const each = ((await crowd!.report()).bytesRead - bytesRead) / sidecars
    // Bookmarks may come; one pod alone would be more.
    expect(each).toBeLessThan(1000)
    await annotate(
      `${others} pods without the label made, ${sidecars} watches: ${each.toFixed(0)} bytes to each; ${spent[0]?.toFixed(2)} s of the API server's CPU in another namespace, ${spent[1]?.toFixed(2)} s in the sensor's`,
      'figure',
    )
  })

  it('when the sensor is replaced, then all learn of it, and are told once', async ({ annotate }) => {
    const start = await crowd!.report()
    const cpu = cpuSeconds()
    const path = `/api/v1/namespaces/${sensors}/pods?watch=1&labelSelector=run%3Dsensor&allowWatchBookmarks=true&timeoutSeconds=60&resourceVersion=`
    const { metadata } = JSON.parse(await kubectl(['get', '--raw', path.replace(/\?.*/, '')]))
    const witness = kubectl(['get', '--raw', `${path}${metadata.resourceVersion}`])
    await replaceSensor()
    const report = await allKnow(60)
    const spent = cpuSeconds() - cpu
    const events = (await witness).trim().split('\n')
    const times = report.known.map(({ at }) => at)
    const spread = Math.max(...times) - Math.min(...times)
    // The sidecars' own processes share the machine: parsing is most of it when there are thousands.
    expect(spread).toBeLessThan(Math.max(2000, 2 * sidecars))
    expect(count(report, 'list', 'ok')).toBe(sidecars)
    const each = (report.bytesRead - start.bytesRead) / sidecars
    const bookmarks = events.filter((event) => event.startsWith('{"type":"BOOKMARK"'))
    const sizes = events.filter((event) => !bookmarks.includes(event)).map((event) => event.length)
    // Each gets what one watch gets; a bookmark, and TLS, come on top.
    const body = sizes.reduce((sum, size) => sum + size, 0)
    expect(each).toBeGreaterThan(0.9 * body)
    expect(each).toBeLessThan(1.5 * body)
    await annotate(
      `a sensor replaced, ${sidecars} watches: ${sizes.length} events of ${kilo(Math.min(...sizes))} to ${kilo(Math.max(...sizes))}, ${kilo(each)} to each, ${mega(each * sidecars)} in all, and a bookmark of ${bookmarks[0]?.length} bytes; the last learned ${spread} ms after the first; API server ${spent.toFixed(1)} s of CPU, all else included`,
      'figure',
    )
  })

  it('when the API server is killed, then all come back, each at a moment of its own', async ({ annotate }) => {
    const start = await crowd!.report()
    const old = apiServerPid()
    const killedAt = Date.now()
    process.kill(old, 'SIGKILL')
    await eventually('it has been started again', async () => apiServerPid() !== old)
    await eventually('it is ready', async () => (await kubectl(['get', '--raw', '/readyz']).catch(() => '')) === 'ok')
    const downMs = Date.now() - killedAt
    const enough = 0.95 * sidecars
    await eventually(
      'each has its watch again',
      async () => (await watches()) >= enough && (await crowd!.report()).openConnections === sidecars,
      60,
    )
    await replaceSensor()
    const report = await allKnow(60)
    const later = (moments: readonly number[]): number[] => moments.filter((at) => at > killedAt)
    const connections = later(report.connectionsAt)
    const answers = [...new Set(report.requests.map(([request, result]) => `${request} ${result}`))].sort()
    const since = answers.flatMap((answer) => {
      const [request = '', result = ''] = answer.split(' ')
      const times = count(report, request, result) - count(start, request, result)
      return times === 0 ? [] : [`${times} ${answer}`]
    })
    const requests = spreadOf(later(report.requestsAt))
    await annotate(
      `API server killed, ready after ${(downMs / 1000).toFixed(1)} s, ${sidecars} watches: ${since.join(', ')}; ${connections.length} connections, at most ${spreadOf(connections).fullest} of them and ${requests.fullest} requests in 100 ms; all back ${((Math.max(...connections) - killedAt) / 1000).toFixed(1)} s after the kill`,
      'figure',
    )
    // Requests, not connections: a server that starts lets those queue before it accepts them, all together.
    // A process that stands still makes at once what it should have made meanwhile: hence most, and not all, of them.
    expect(requests.fullest).toBeLessThan((2 / 3) * sidecars)
    expect(requests.cells).toBeGreaterThan(10)
  })
})
