/** A pod's own routes, made anew with other metrics: what a network with an MTU of its own gives its pods. */
import type { LabPod } from './pod.ts'

/**
 * Commands for `ip -batch` that take away the routes of both families to the pod's subnet and to everywhere, and add them
 * again. Routes to single addresses stay.
 * @param metrics as ip-route(8) has them, with a blank in front: ` mtu 1500`; empty for none
 */
export function renewRoutes(pod: LabPod, metrics: string): string[] {
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
