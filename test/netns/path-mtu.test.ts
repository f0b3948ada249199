/**
 * The path's MTU, learned while only some of a target's sockets send.
 *
 *   [web] eth0 ==== br0 of node-1 ==== br0 of node-2 ==== eth0 [sensor]     the route's MTU changes
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Lab } from '../../lab/network/lab.ts'
import type { LabPod } from '../../lab/network/pod.ts'
import { Counters } from '../../sidecar/counters.ts'
import { mapAnonymous } from '../../sidecar/linux/mapping.ts'
import { SocketTransport } from '../../sidecar/tunnel/socket-transport.ts'
import { inside, type OpenPort, openUdpPort } from '../support/netns-sockets.ts'

const overhead = { 4: 36, 6: 56 } as const
const data = mapAnonymous(1 << 16, 'datagrams')

describe('given flows of which none leaves from the first socket', () => {
  let lab: Lab
  let web: LabPod
  let sensor: LabPod
  let port: OpenPort

  beforeEach(async () => {
    lab = await Lab.create({ nodes: 2 })
    web = await lab.pod('web')
    sensor = await lab.pod('sensor', { node: lab.nodes[1]! })
    port = openUdpPort(sensor.namespace, 6, 4789)
  })
  afterEach(async () => {
    port.close()
    await lab.close()
  })

  for (const family of [4, 6] as const) {
    it(`when the route to the sensor (IPv${family}) becomes smaller and larger again, then the largest frame follows, and what fits still leaves in batches`, async () => {
      const address = family === 4 ? sensor.address4 : sensor.address6
      const gateway = family === 4 ? web.node.address4 : web.node.address6
      const route = (mtu: number) =>
        web.namespace.ip([`route replace ${address}/${family === 4 ? 32 : 128} via ${gateway} mtu ${mtu}`])
      const counters = new Counters()
      const said: string[] = []
      const say = (sentence: string) => void said.push(sentence)
      const transport = inside(web.namespace, () => {
        const opened = new SocketTransport({
          sensorPort: 4789,
          portCount: 4,
          batch: 'gso',
          counters,
          log: { debug: say, info: say, warn: say, error: say },
          baseAddress: data.address,
          scratchLength: 1024,
          onOwnTunnel: () => {},
        })
        const target = { key: 'a', address, family, name: 'sensor', sameNode: false, cut: 'wire', seed: 1 } as const
        opened.setTargets([target])
        return opened
      })
      const burst = (size: number) => {
        for (let count = 0; count < 8; count++) transport.add(0, 2, 0, size, 0, 0)
        transport.flush()
      }
      burst(1300)
      for (const mtu of [1400, 1300, 1450]) {
        await route(mtu)
        // The refusal, if there is one, comes before the next look.
        burst(1350)
        transport.refresh()
        expect(transport.maxFrame(0)).toBe(mtu - overhead[family])
        burst(1200)
      }
      expect(transport.paths()).toMatchObject([{ mtu: 1450, batch: 'gso' }])
      expect(said.filter((sentence) => sentence.includes('from now on'))).toEqual([])
      expect(counters.sentFrames + counters.dropped.send_error).toBe(8 * 7)
      expect(counters.dropped.send_error).toBe(0)
      transport.close()
    })
  }
})
