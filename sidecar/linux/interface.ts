/** What the kernel says of a network interface: netdevice(7). */
import {
  AF_INET,
  ARPHRD_ETHER,
  ARPHRD_LOOPBACK,
  IFF_UP,
  ifreq,
  SIOCGIFFLAGS,
  SIOCGIFHWADDR,
  SIOCGIFMTU,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
} from './abi.ts'
import * as libc from './libc.ts'

/** The interface's index in this network namespace; 0 when there is none of that name. */
export function interfaceIndex(name: string): number {
  return libc.interfaceIndex(name)
}

/** One SIOCGIF* request: 32 bits at the start of struct ifreq's union, or undefined when there is no such interface. */
function ask(name: string, request: number): number | undefined {
  const fd = libc.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)
  if (fd < 0) return undefined
  const argument = Buffer.alloc(ifreq.length)
  argument.write(name, ifreq.name)
  const failed = libc.ioctl(fd, request, argument) < 0
  libc.close(fd)
  return failed ? undefined : argument.readInt32LE(ifreq.value)
}

/** The interface's MTU in bytes, Ethernet header not counted; 0 when there is no such interface. */
export function interfaceMtu(name: string): number {
  return ask(name, SIOCGIFMTU) ?? 0
}

/** Whether it is switched on; false too when there is no such interface. */
export function interfaceIsUp(name: string): boolean {
  return ((ask(name, SIOCGIFFLAGS) ?? 0) & IFF_UP) !== 0
}

/** Whether the interface's frames begin with an Ethernet header, as VXLAN wants them; tun and WireGuard devices' do not. */
export function carriesEthernet(name: string): boolean {
  const type = ask(name, SIOCGIFHWADDR)
  if (type === undefined) return true
  const hardware = type & 0xffff
  return hardware === ARPHRD_ETHER || hardware === ARPHRD_LOOPBACK
}
