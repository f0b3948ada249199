/** Loading an XDP program with bpf(2), without libbpf: what is loaded here is two instructions long. */
import {
  BPF_F_XDP_HAS_FRAGS,
  BPF_OBJ_GET_INFO_BY_FD,
  BPF_PROG_LOAD,
  BPF_PROG_TYPE_XDP,
  bpfInfoByFd,
  bpfInsn,
  bpfProgInfo,
  bpfProgLoad,
  EXIT,
  MOV64_IMMEDIATE,
  NR_bpf,
  XDP_PASS,
} from './abi-bpf.ts'
import { EACCES, EINVAL, ENOSYS, EPERM, SyscallError } from './errno.ts'
import * as libc from './libc.ts'
import { mapAnonymous, pageSize } from './mapping.ts'

/** As tools list it; at most 15 characters (BPF_OBJ_NAME_LEN). */
const programName = 'vxtap_pass'
/** Asks for none of the helpers that only programs under the GPL may call. */
const license = 'Apache-2.0'

export interface LoadedProgram {
  readonly fd: number
  readonly id: number
  /** Whether it takes frames in several pieces, without which a veth with a large MTU refuses it. */
  readonly frags: boolean
  /** What it is attached to keeps it. */
  close(): void
}

/** `r0 = XDP_PASS; exit`: every frame goes on as if the program were not there. */
export function passInstructions(): Buffer {
  const bytes = Buffer.alloc(2 * bpfInsn.length)
  bytes.writeUInt8(MOV64_IMMEDIATE, bpfInsn.code)
  bytes.writeInt32LE(XDP_PASS, bpfInsn.immediate)
  bytes.writeUInt8(EXIT, bpfInsn.length + bpfInsn.code)
  return bytes
}

/** The call's result, or a negative errno. Whatever `attribute` points to must be mapped memory. */
function bpf(command: number, attribute: Buffer): number {
  const number = NR_bpf[process.arch]
  if (number === undefined) return -ENOSYS
  const result = Number(libc.syscallBpf(number, command, attribute, attribute.length))
  return result < 0 ? -libc.errno() : result
}

/**
 * Loads the program, for frames in pieces where the kernel knows that (Linux 5.18).
 * @throws SyscallError with the errno of bpf(2)
 */
export function loadPassProgram(withFrags = true): LoadedProgram {
  const instructions = passInstructions()
  // The attribute points to the instructions and the licence, so these need an address: a page of our own.
  const mapping = mapAnonymous(pageSize, 'a BPF program')
  try {
    const bytes = Buffer.from(mapping.memory.buffer)
    bytes.set(instructions)
    bytes.write(`${license}\0`, instructions.length)
    const load = (flags: number): number => {
      const attribute = Buffer.alloc(bpfProgLoad.length)
      attribute.writeUInt32LE(BPF_PROG_TYPE_XDP, bpfProgLoad.type)
      attribute.writeUInt32LE(instructions.length / bpfInsn.length, bpfProgLoad.instructionCount)
      attribute.writeBigUInt64LE(BigInt(mapping.address), bpfProgLoad.instructions)
      attribute.writeBigUInt64LE(BigInt(mapping.address + instructions.length), bpfProgLoad.license)
      attribute.writeUInt32LE(flags, bpfProgLoad.flags)
      attribute.write(programName, bpfProgLoad.name)
      return bpf(BPF_PROG_LOAD, attribute)
    }
    let frags = withFrags
    let fd = load(frags ? BPF_F_XDP_HAS_FRAGS : 0)
    if (fd === -EINVAL && frags) {
      frags = false
      fd = load(0)
    }
    if (fd < 0) throw new SyscallError('bpf', -fd, 'cannot load the XDP program')
    return { fd, id: programId(fd, mapping.address, bytes), frags, close: () => void libc.close(fd) }
  } finally {
    mapping.unmap()
  }
}

/** @param scratch mapped at `address`; its first bytes are overwritten */
function programId(fd: number, address: number, scratch: Buffer): number {
  scratch.fill(0, 0, bpfProgInfo.length)
  const attribute = Buffer.alloc(bpfInfoByFd.length)
  attribute.writeUInt32LE(fd, bpfInfoByFd.fd)
  attribute.writeUInt32LE(bpfProgInfo.length, bpfInfoByFd.infoLength)
  attribute.writeBigUInt64LE(BigInt(address), bpfInfoByFd.info)
  const result = bpf(BPF_OBJ_GET_INFO_BY_FD, attribute)
  if (result < 0) {
    libc.close(fd)
    throw new SyscallError('bpf', -result, "cannot read the XDP program's id")
  }
  return scratch.readUInt32LE(bpfProgInfo.id)
}

/**
 * Whether bpf(2) is kept from this process altogether, by a seccomp filter for instance. Asks about a descriptor that
 * does not exist, for which the kernel itself wants no capability (__sys_bpf in kernel/bpf/syscall.c).
 */
export function bpfIsForbidden(): boolean {
  const attribute = Buffer.alloc(bpfInfoByFd.length)
  attribute.writeInt32LE(-1, bpfInfoByFd.fd)
  const errno = -bpf(BPF_OBJ_GET_INFO_BY_FD, attribute)
  return errno === EPERM || errno === EACCES || errno === ENOSYS
}
