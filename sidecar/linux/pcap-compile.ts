/**
 * pcap_compile(3PCAP) through koffi: a pcap-filter(7) expression becomes classic BPF instructions.
 *
 * libpcap is loaded only when there is an expression to compile, so that a pod without FILTER does not need it.
 */
import koffi from 'koffi'
import { sockFilterLength } from './abi.ts'
import * as libc from './libc.ts'

/** struct bpf_program, pcap/bpf.h: a count, then a pointer to instructions laid out as struct sock_filter. */
const bpfProgram = { count: 0, instructions: 8, length: 16 } as const
/** DLT_EN10MB, pcap/dlt.h */
const ethernet = 1
const wholeFrame = 262_144
/** PCAP_NETMASK_UNKNOWN, pcap/pcap.h */
const netmaskUnknown = 0xffffffff

export type Compiled = { readonly ok: true; readonly program: Buffer } | { readonly ok: false; readonly reason: string }

function load() {
  const library = koffi.load('libpcap.so.0.8')
  return {
    openDead: library.func('void *pcap_open_dead(int linktype, int snaplen)'),
    create: library.func('void *pcap_create(const char *source, void *errbuf)'),
    activate: library.func('int pcap_activate(void *handle)'),
    compile: library.func(
      'int pcap_compile(void *handle, void *program, const char *text, int optimize, uint32_t netmask)',
    ),
    errorText: library.func('const char *pcap_geterr(void *handle)'),
    freeCode: library.func('void pcap_freecode(void *program)'),
    close: library.func('void pcap_close(void *handle)'),
  }
}

type Libpcap = ReturnType<typeof load>

/**
 * A live handle where possible: only then does libpcap look for VLAN tags where Linux puts them, outside the frame
 * (BPF_SPECIAL_VLAN_HANDLING in pcap-linux.c). The loopback interface serves: it is Ethernet too and always there.
 */
function openHandle(pcap: Libpcap): unknown {
  const live = pcap.create('lo', Buffer.alloc(256))
  if (live) {
    if (pcap.activate(live) >= 0) return live
    pcap.close(live)
  }
  return pcap.openDead(ethernet, wholeFrame)
}

/** Compiles for Ethernet frames as an AF_PACKET socket of type SOCK_RAW sees them. */
export function compileFilter(expression: string): Compiled {
  let pcap: Libpcap
  try {
    pcap = load()
  } catch (error) {
    return { ok: false, reason: `libpcap cannot be loaded (${error instanceof Error ? error.message : String(error)})` }
  }
  const handle = openHandle(pcap)
  const program = Buffer.alloc(bpfProgram.length)
  try {
    if (pcap.compile(handle, program, expression, 1, netmaskUnknown) !== 0) {
      return { ok: false, reason: String(pcap.errorText(handle)) }
    }
    const bytes = program.readUInt32LE(bpfProgram.count) * sockFilterLength
    const instructions = libc.view(Number(program.readBigUInt64LE(bpfProgram.instructions)), bytes)
    const copy = Buffer.from(new Uint8Array(instructions))
    pcap.freeCode(program)
    return { ok: true, program: copy }
  } finally {
    pcap.close(handle)
  }
}
