/** ENGINE=kernel as a contestant: it wants routes that leave the tunnel its room, as a network with jumbo frames has. */
import { startSidecar } from '../test/support/netns-sidecar.ts'
import { bundle } from './programs.ts'
import type { Place, Tap } from './tap.ts'

/** Bytes of IP packet that the pod's peers keep to; the sensor's own route has the interface's MTU. */
const innerMtu = 1500

export async function startKernelEngine({ web, sensor }: Place): Promise<Tap> {
  const { address4: gateway } = web.node
  const others = [`${gateway.replace(/\d+$/, '0/24')} dev eth0`, `0.0.0.0/0 via ${gateway}`]
  const towardsSensor = `${sensor.address4}/32 dev eth0`
  await web.namespace.ip([
    ...others.map((route) => `route replace ${route} mtu ${innerMtu}`),
    `route replace ${towardsSensor}`,
  ])
  const sidecar = await startSidecar(web, {
    env: { ENGINE: 'kernel', SENSOR: sensor.address4 },
    program: [process.execPath, bundle, 'sidecar'],
    capabilities: ',+net_raw,+net_admin',
  }).ready()
  return {
    pid: sidecar.child.pid,
    stop: async () => {
      await sidecar.stop()
      await web.namespace.ip([`route delete ${towardsSensor}`, ...others.map((route) => `route replace ${route}`)])
    },
  }
}
