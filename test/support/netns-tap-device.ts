/**
 * A TAP device that takes a virtio header with each frame, as a virtual machine's has: what is written to it arrives on
 * its interface as it is, super-frames whole.
 *
 * Source: include/uapi/linux/if_tun.h, include/uapi/linux/virtio_net.h.
 */
import { closeSync, openSync, writeSync } from 'node:fs'
import koffi from 'koffi'
import { inside, type Namespace } from './netns-sockets.ts'

const ioctl = koffi.load('libc.so.6').func('int ioctl(int fd, unsigned long request, void *argument)')
const TUNSETIFF = 0x4004_54ca
const IFF_TAP = 0x0002
const IFF_NO_PI = 0x1000
const IFF_VNET_HDR = 0x4000
/** struct ifreq: the name, then the flags. */
const ifreq = { length: 40, flags: 16 } as const

/** struct virtio_net_hdr, of a frame that is what it seems. */
export const plainFrame = Buffer.alloc(10)

export interface TapDevice {
  /** @param header struct virtio_net_hdr */
  receive(header: Uint8Array, frame: Uint8Array): void
  close(): void
}

/** Makes the interface; it goes when the device is closed. */
export function openTapDevice(namespace: Namespace, name: string): TapDevice {
  // The device belongs to the namespace in which the file was opened.
  const fd = inside(namespace, () => openSync('/dev/net/tun', 'r+'))
  const request = Buffer.alloc(ifreq.length)
  request.write(name, 'latin1')
  request.writeUInt16LE(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR, ifreq.flags)
  if (ioctl(fd, TUNSETIFF, request) < 0) throw new Error(`TUNSETIFF ${name}: errno ${koffi.errno()}`)
  return {
    receive: (header, frame) => void writeSync(fd, Buffer.concat([header, frame])),
    close: () => closeSync(fd),
  }
}
