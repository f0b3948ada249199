/** Constants and structure layouts of bpf(2), include/uapi/linux/bpf.h unless said otherwise; offsets in bytes. */

/**
 * __NR_bpf by the name that Node gives the processor: arch/x86/entry/syscalls/syscall_64.tbl and
 * include/uapi/asm-generic/unistd.h, which aarch64 has. The C library has no function for it.
 */
export const NR_bpf: Readonly<Record<string, number>> = { x64: 321, arm64: 280 }

/** enum bpf_cmd */
export const BPF_PROG_LOAD = 5
export const BPF_OBJ_GET_INFO_BY_FD = 15

/** enum bpf_prog_type */
export const BPF_PROG_TYPE_XDP = 6

/** Of prog_flags: the program takes frames that lie in several pieces of memory. Linux 5.18. */
export const BPF_F_XDP_HAS_FRAGS = 1 << 5

/** enum xdp_action */
export const XDP_PASS = 2

/** union bpf_attr for BPF_PROG_LOAD, up to what Linux 4.15 knows; the kernel takes what is missing for zero. */
export const bpfProgLoad = {
  type: 0,
  instructionCount: 4,
  instructions: 8,
  license: 16,
  flags: 44,
  name: 48,
  length: 64,
} as const

/** union bpf_attr for BPF_OBJ_GET_INFO_BY_FD, and the head of the struct bpf_prog_info that it points to. */
export const bpfInfoByFd = { fd: 0, infoLength: 4, info: 8, length: 16 } as const
export const bpfProgInfo = { id: 4, length: 8 } as const

/** struct bpf_insn: code, registers, a 16-bit offset, a 32-bit immediate. BPF_ALU64|BPF_MOV|BPF_K and BPF_JMP|BPF_EXIT. */
export const bpfInsn = { code: 0, immediate: 4, length: 8 } as const
export const MOV64_IMMEDIATE = 0xb7
export const EXIT = 0x95
