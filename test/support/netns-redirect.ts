/**
 * What some network plugins do between pods of one node: a tc program that takes a packet off the sender's veth and puts
 * it into the other pod, past that pod's own veth (bpf_redirect_peer, include/uapi/linux/bpf.h; tcx, Linux 6.6).
 */
import { closeSync } from 'node:fs'
import koffi from 'koffi'

const libc = koffi.load('libc.so.6')
const syscall = libc.func('intptr_t syscall(long number, int command, void *attribute, uint32_t size)')
const mmap = libc.func('uintptr_t mmap(uintptr_t at, size_t length, int protection, int flags, int fd, int64_t offset)')

const bpfCall = process.arch === 'arm64' ? 280 : 321
const BPF_PROG_LOAD = 5
const BPF_LINK_CREATE = 28
const BPF_PROG_TYPE_SCHED_CLS = 3
const BPF_TCX_INGRESS = 46
const redirectPeer = 155

export interface Redirection {
  close(): void
}

/** Call it inside the node's namespace. @param from index of the sender's node-side veth @param to of the receiver's */
export function redirectPast(from: number, to: number): Redirection {
  const address = Number(mmap(0, 4096, 3, 0x22, -1, 0))
  const memory = Buffer.from(koffi.view(BigInt(address), 4096) as ArrayBuffer)
  // r1 = to; r2 = 0; call bpf_redirect_peer; exit
  const instructions = [
    [0xb7, 1, to],
    [0xb7, 2, 0],
    [0x85, 0, redirectPeer],
    [0x95, 0, 0],
  ] as const
  for (const [index, [code, register, immediate]] of instructions.entries()) {
    memory[index * 8] = code
    memory[index * 8 + 1] = register
    memory.writeInt32LE(immediate, index * 8 + 4)
  }
  memory.write('GPL\0', 64)
  const load = Buffer.alloc(72)
  load.writeUInt32LE(BPF_PROG_TYPE_SCHED_CLS, 0)
  load.writeUInt32LE(instructions.length, 4)
  load.writeBigUInt64LE(BigInt(address), 8)
  load.writeBigUInt64LE(BigInt(address + 64), 16)
  load.writeUInt32LE(BPF_TCX_INGRESS, 68)
  const program = descriptor(BPF_PROG_LOAD, load)
  const create = Buffer.alloc(64)
  create.writeUInt32LE(program, 0)
  create.writeUInt32LE(from, 4)
  create.writeUInt32LE(BPF_TCX_INGRESS, 8)
  const link = descriptor(BPF_LINK_CREATE, create)
  closeSync(program)
  return { close: () => closeSync(link) }
}

function descriptor(command: number, attribute: Buffer): number {
  const fd = Number(syscall(bpfCall, command, attribute, attribute.length))
  if (fd < 0) throw new Error(`bpf command ${command}: errno ${koffi.errno()}`)
  return fd
}
