import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { urlHost } from '../cluster/addresses.ts'
import { nativeSidecars } from './world/abilities.ts'
import { fetchCapture, tshark, useFolder } from './world/evidence.ts'
import { apply, eventually, type KubeObject, ready } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { ask, restartsOf } from './world/tap.ts'
import { idleContainer, optIn, pod, sensorPod, webContainer } from './world/workloads.ts'

const namespace = useNamespace('held')
const folder = useFolder()

const hurried = (server: string): object => ({
  ...idleContainer,
  command: [
    'node',
    '-e',
    `require('http').get('http://${urlHost(server)}:8080/first', (response) => response.resume()); setInterval(() => {}, 1000)`,
  ],
})

// An ordinary sidecar starts beside the application and cannot hold it.
if (nativeSidecars)
  describe('given an application that sends as soon as it starts, in a pod with vxtap.io/hold', () => {
    const capture = `${folder.path}/frames.pcapng`
    let early: KubeObject
    beforeAll(async () => {
      await apply(sensorPod(namespace), pod({ name: 'web', namespace }, webContainer))
      await ready(namespace, 'sensor')
      const { status } = await ready(namespace, 'web')
      const metadata = { name: 'early', namespace, labels: optIn, annotations: { 'vxtap.io/hold': 'true' } }
      await apply(pod(metadata, hurried(status.podIP ?? '')))
      early = await ready(namespace, 'early')
      // It is Ready as soon as its process runs, which has yet to ask.
      await eventually('its request has been mirrored', async () => {
        await fetchCapture(namespace, 'sensor', capture)
        // A file that is still written to may end within a frame, which tshark calls an error.
        const found = await tshark(capture, 'http.request.uri == "/first"', 'frame.number').catch(() => [])
        return found.length > 0
      })
    })
    afterAll(() => folder.remove())

    it('when its tap can never capture, then it starts all the same, and the sidecar says why', async () => {
      const annotations = { 'vxtap.io/hold': 'true', 'vxtap.io/filter': 'no port 443' }
      await apply(pod({ name: 'mistyped', namespace, labels: optIn, annotations }, idleContainer))
      const started = await ready(namespace, 'mistyped')
      expect(restartsOf(started)).toBe(0)
      const { status, text } = await ask(started, '/readyz')
      expect([status, text]).toEqual([503, expect.stringContaining('FILTER="no port 443" is not allowed')])
    })

    it('when it asks a server, then the sensor has the request from its very first segment on', async () => {
      const source = early.status.podIP?.includes(':') ? 'ipv6.src' : 'ip.src'
      const first = `${source} == ${early.status.podIP} && tcp.dstport == 8080`
      const segments = await tshark(capture, first, 'tcp.flags.str', 'tcp.seq')
      expect(segments[0]).toMatch(/S·*\t0$/)
      expect(await tshark(capture, `${first} && http.request`, 'http.request.uri')).toEqual(['/first'])
    })
  })
else
  describe('given nodes without native sidecars', () => {
    it('when a pod asks to be held, then it starts all the same, and kubectl prints that holding has no effect', async ({
      annotate,
    }) => {
      await annotate('nothing is held, and kubectl warns', 'instead')
      const metadata = { name: 'early', namespace, labels: optIn, annotations: { 'vxtap.io/hold': 'true' } }
      expect(await apply(pod(metadata))).toMatch(/Warning: vxtap: vxtap\.io\/hold has no effect/)
      await ready(namespace, 'early')
    })
  })
