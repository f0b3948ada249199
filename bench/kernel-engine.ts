/** ENGINE=kernel as a contestant: it wants routes that leave the tunnel its room, as a network with jumbo frames has. */
import { renewRoutes } from '../lab/network/routes.ts'
import { startSidecar } from '../test/support/netns-sidecar.ts'
import { bundle } from './programs.ts'
import type { Place, Tap } from './tap.ts'

/** Bytes of IP packet that the pod's peers keep to; the sensor's own route has the interface's MTU. */
const innerMtu = 1500

export async function startKernelEngine({ web, sensor }: Place): Promise<Tap> {
  const towardsSensor = `${sensor.address4}/32 dev eth0`
  const restore = () => web.namespace.ip([`route delete ${towardsSensor}`, ...renewRoutes(web, '')])
  await web.namespace.ip([...renewRoutes(web, ` mtu ${innerMtu}`), `route add ${towardsSensor}`])
  const sidecar = startSidecar(web, {
    env: { ENGINE: 'kernel', SENSOR: sensor.address4 },
    program: [process.execPath, bundle, 'sidecar'],
    capabilities: ',+net_raw,+net_admin',
  })
  const stop = () => sidecar.stop().finally(restore)
  await sidecar.ready().catch(async (error: unknown) => {
    await stop()
    throw error
  })
  return { pid: sidecar.child.pid, stop: async () => void (await stop()) }
}
