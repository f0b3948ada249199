/** What the kernel says of a network interface: netdevice(7). */
import { AF_INET, ifreq, SIOCGIFMTU, SOCK_CLOEXEC, SOCK_DGRAM } from './abi.ts'
import * as libc from './libc.ts'

/** The interface's index in this network namespace; 0 when there is none of that name. */
export function interfaceIndex(name: string): number {
  return libc.interfaceIndex(name)
}

/** The interface's MTU in bytes, Ethernet header not counted; 0 when there is no such interface. */
export function interfaceMtu(name: string): number {
  const fd = libc.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)
  if (fd < 0) return 0
  const request = Buffer.alloc(ifreq.length)
  request.write(name, ifreq.name)
  const mtu = libc.ioctl(fd, SIOCGIFMTU, request) < 0 ? 0 : request.readInt32LE(ifreq.value)
  libc.close(fd)
  return mtu
}
