/**
 * Sockets in the network namespaces of a lab, owned by the test process: a socket belongs to the namespace in which the
 * calling thread was when it made it (network_namespaces(7)), so setns(2) there and back around socket(2) is enough.
 */
import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { closeSync, openSync } from 'node:fs'
import { createServer, type Server, Socket } from 'node:net'
import koffi from 'koffi'

export interface Namespace {
  /** A file that setns(2) takes. */
  readonly path: string
}

const libc = koffi.load('libc.so.6')
const setns = libc.func('int setns(int fd, int type)')
const socketCall = libc.func('int socket(int domain, int type, int protocol)')
const bindCall = libc.func('int bind(int fd, void *address, uint32_t length)')
const connectCall = libc.func('int connect(int fd, void *address, uint32_t length)')
const listenCall = libc.func('int listen(int fd, int backlog)')
const sendCall = libc.func('intptr_t send(int fd, void *bytes, size_t length, int flags)')
const setsockopt = libc.func('int setsockopt(int fd, int level, int name, void *value, uint32_t length)')
const interfaceIndex = libc.func('unsigned int if_nametoindex(const char *name)')

const CLONE_NEWNET = 0x4000_0000
const AF_INET = 2
const AF_INET6 = 10
const AF_PACKET = 17
const SOCK_STREAM = 1
const SOCK_DGRAM = 2
const SOCK_RAW = 3
const SOCK_CLOEXEC = 0o2000000
const SOL_SOCKET = 1
const SO_REUSEADDR = 2
const SO_RCVBUF = 8
const SO_MAX_PACING_RATE = 47
const SOL_UDP = 17
const UDP_SEGMENT = 103

/** Runs a synchronous body with the calling thread in another network namespace. */
export function inside<T>(namespace: Namespace, body: () => T): T {
  const own = openSync('/proc/thread-self/ns/net', 'r')
  const other = openSync(namespace.path, 'r')
  try {
    check('setns', setns(other, CLONE_NEWNET))
    return body()
  } finally {
    check('setns', setns(own, CLONE_NEWNET))
    closeSync(other)
    closeSync(own)
  }
}

function check(call: string, result: number): number {
  if (result < 0) throw new Error(`${call}: errno ${koffi.errno()}`)
  return result
}

function setOption(fd: number, level: number, name: number, value: number, label: string): void {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  check(`setsockopt ${label}`, setsockopt(fd, level, name, bytes, bytes.length))
}

/** struct sockaddr_in or sockaddr_in6; the empty address is every address. */
function socketAddress(family: 4 | 6, address: string, port: number): Buffer {
  const bytes = Buffer.alloc(family === 4 ? 16 : 28)
  bytes.writeUInt16LE(family === 4 ? AF_INET : AF_INET6, 0)
  bytes.writeUInt16BE(port, 2)
  if (address === '') return bytes
  if (family === 4) bytes.set(address.split('.').map(Number), 4)
  else bytes.set(addressBytes6(address), 8)
  return bytes
}

/** Of an IPv6 literal without an embedded IPv4 one. */
export function addressBytes6(address: string): number[] {
  const [head = '', tail] = address.split('::')
  const words = (text: string) => (text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16)))
  const front = words(head)
  const back = tail === undefined ? [] : words(tail)
  const all = [...front, ...Array<number>(8 - front.length - back.length).fill(0), ...back]
  return all.flatMap((word) => [word >> 8, word & 0xff])
}

function open(namespace: Namespace, family: 4 | 6, type: number): number {
  const domain = family === 4 ? AF_INET : AF_INET6
  return check(
    'socket',
    inside(namespace, () => socketCall(domain, type | SOCK_CLOEXEC, 0)),
  )
}

function bind(fd: number, family: 4 | 6, port: number): void {
  const address = socketAddress(family, '', port)
  check(`bind to port ${port}`, bindCall(fd, address, address.length))
}

function connect(fd: number, family: 4 | 6, address: string, port: number): void {
  const peer = socketAddress(family, address, port)
  check(`connect to ${address} port ${port}`, connectCall(fd, peer, peer.length))
}

/** A TCP server; close it after the test. */
export async function listenTcp(namespace: Namespace, family: 4 | 6, port: number): Promise<Server> {
  const fd = open(namespace, family, SOCK_STREAM)
  setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1, 'SO_REUSEADDR')
  bind(fd, family, port)
  check('listen', listenCall(fd, 64))
  const server = createServer({ allowHalfOpen: true })
  await new Promise<void>((resolve) => server.listen({ fd }, resolve))
  return server
}

/**
 * A TCP connection; the server must be listening.
 * @param pacingBytesPerSecond what TCP itself limits the connection to (SO_MAX_PACING_RATE); 0 is no limit
 */
export function connectTcp(
  namespace: Namespace,
  family: 4 | 6,
  address: string,
  port: number,
  pacingBytesPerSecond = 0,
): Socket {
  const fd = open(namespace, family, SOCK_STREAM)
  if (pacingBytesPerSecond > 0) setOption(fd, SOL_SOCKET, SO_MAX_PACING_RATE, pacingBytesPerSecond, 'pacing')
  connect(fd, family, address, port)
  return new Socket({ fd, readable: true, writable: true, allowHalfOpen: true })
}

export interface OpenPort {
  close(): void
}

/** A UDP port that is open, so that nobody answers "port unreachable", and that nobody reads. */
export function openUdpPort(namespace: Namespace, family: 4 | 6, port: number): OpenPort {
  const fd = open(namespace, family, SOCK_DGRAM)
  setOption(fd, SOL_SOCKET, SO_RCVBUF, 1 << 16, 'SO_RCVBUF')
  bind(fd, family, port)
  return { close: () => closeSync(fd) }
}

/** A UDP socket that receives through Node. */
export async function receiveUdp(namespace: Namespace, family: 4 | 6, port: number): Promise<DatagramSocket> {
  const fd = open(namespace, family, SOCK_DGRAM)
  setOption(fd, SOL_SOCKET, SO_RCVBUF, 4 << 20, 'SO_RCVBUF')
  bind(fd, family, port)
  const socket = createSocket(family === 4 ? 'udp4' : 'udp6')
  await new Promise<void>((resolve) => socket.bind({ fd }, resolve))
  return socket
}

export interface UdpSender {
  /** One system call. A pending error of an earlier datagram takes one send's place: that send is repeated. */
  send(bytes: Uint8Array): void
  close(): void
}

export interface UdpSenderOptions {
  readonly localPort?: number
  /** Bytes of payload of each datagram that the kernel or the device cuts a send into (UDP_SEGMENT); 0 cuts nothing. */
  readonly segmentBytes?: number
}

export function connectUdp(
  namespace: Namespace,
  family: 4 | 6,
  address: string,
  port: number,
  options: UdpSenderOptions = {},
): UdpSender {
  const fd = open(namespace, family, SOCK_DGRAM)
  if (options.localPort !== undefined) bind(fd, family, options.localPort)
  if (options.segmentBytes) setOption(fd, SOL_UDP, UDP_SEGMENT, options.segmentBytes, 'UDP_SEGMENT')
  connect(fd, family, address, port)
  return {
    send(bytes) {
      if (sendCall(fd, bytes, bytes.length, 0) < 0) check('send', Number(sendCall(fd, bytes, bytes.length, 0)))
    },
    close: () => closeSync(fd),
  }
}

export interface FrameSender {
  /** Puts one frame, Ethernet header included, on the wire as it is. */
  send(frame: Uint8Array): void
  close(): void
}

/** Sends raw frames out of an interface: packet(7). */
export function openFrameSender(namespace: Namespace, networkInterface: string): FrameSender {
  const [fd, index] = inside(namespace, () => [
    check('socket', socketCall(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)),
    interfaceIndex(networkInterface) as number,
  ])
  // struct sockaddr_ll: family, protocol 0 (receives nothing), interface index.
  const address = Buffer.alloc(20)
  address.writeUInt16LE(AF_PACKET, 0)
  address.writeInt32LE(index, 4)
  check(`bind to ${networkInterface}`, bindCall(fd, address, address.length))
  return {
    send(frame) {
      check(`send ${frame.length} bytes`, Number(sendCall(fd, frame, frame.length, 0)))
    },
    close: () => closeSync(fd),
  }
}
