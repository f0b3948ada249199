/** The kernel's own mirror: a clsact qdisc, mirred, and a VXLAN device; also the device alone, which some taps send into. */
import type { LabPod } from '../lab/network/pod.ts'
import type { Place, Tap } from './tap.ts'

const device = 'vxtapbench0'

/**
 * The device is not bound to eth0, which would hold its MTU 50 bytes under eth0's: then every frame of full size, and every
 * super-frame, would be refused.
 */
export async function createVxlanDevice({ web, sensor }: Place, vni: number): Promise<string> {
  await web.namespace.ip([
    `link add ${device} type vxlan id ${vni} local ${web.address4} remote ${sensor.address4} dstport 4789 nolearning`,
    `link set ${device} mtu 65000 addrgenmode none`,
    `link set ${device} up`,
  ])
  return device
}

export async function removeVxlanDevice(web: LabPod): Promise<void> {
  await web.namespace.ip([`link delete ${device}`])
}

const number4 = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)

/** `not host ADDRESS` as classic BPF in tc's notation: count, then code, jump true, jump false and operand of each. */
export function notHost(address: string): string {
  const host = number4(address)
  const program = [
    [0x28, 0, 0, 12], // ldh the EtherType
    [0x15, 0, 4, 0x0800], // not IPv4: mirror
    [0x20, 0, 0, 26], // ld source
    [0x15, 3, 0, host],
    [0x20, 0, 0, 30], // ld destination
    [0x15, 1, 0, host],
    [0x06, 0, 0, 0xffffffff],
    [0x06, 0, 0, 0],
  ]
  return `${program.length},${program.map((line) => line.join(' ')).join(',')}`
}

export async function startKernelMirror(place: Place, vni: number): Promise<Tap> {
  const { web, sensor } = place
  await createVxlanDevice(place, vni)
  await web.exec(['tc', 'qdisc', 'add', 'dev', 'eth0', 'clsact'])
  for (const direction of ['ingress', 'egress'])
    await web.exec([
      ...['tc', 'filter', 'add', 'dev', 'eth0', direction, 'pref', '1', 'protocol', 'all'],
      ...['bpf', 'bytecode', notHost(sensor.address4), 'action', 'mirred', 'egress', 'mirror', 'dev', device],
    ])
  return {
    pid: undefined,
    stop: async () => {
      await web.exec(['tc', 'qdisc', 'delete', 'dev', 'eth0', 'clsact'])
      await removeVxlanDevice(web)
    },
  }
}
