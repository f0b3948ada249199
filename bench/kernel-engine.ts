/** ENGINE=kernel as a contestant: it wants routes that leave the tunnel its room, as a network with jumbo frames has. */
import type { LabPod } from '../lab/network/pod.ts'
import { startSidecar } from '../test/support/netns-sidecar.ts'
import { bundle } from './programs.ts'
import type { Place, Tap } from './tap.ts'

/** Bytes of IP packet that the pod's peers keep to; the sensor's own route has the interface's MTU. */
const innerMtu = 1500

export async function startKernelEngine({ web, sensor }: Place): Promise<Tap> {
  const towardsSensor = `${sensor.address4}/32 dev eth0`
  const restore = () => web.namespace.ip([`route delete ${towardsSensor}`, ...routes(web, '')])
  await web.namespace.ip([...routes(web, ` mtu ${innerMtu}`), `route add ${towardsSensor}`])
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

/** Takes the pod's routes away and adds them anew, of both families: IPv6 packets are mirrored too. */
function routes(pod: LabPod, metrics: string): string[] {
  const { address4, address6 } = pod.node
  return [
    { subnet: address4.replace(/\d+$/, '0/24'), all: '0.0.0.0/0', gateway: address4 },
    { subnet: address6.replace(/1$/, '/64'), all: '::/0', gateway: address6 },
  ].flatMap(({ subnet, all, gateway }) => [
    `route delete ${all}`,
    `route delete ${subnet} dev eth0`,
    `route add ${subnet} dev eth0${metrics}`,
    `route add ${all} via ${gateway}${metrics}`,
  ])
}
