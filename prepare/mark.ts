/**
 * How a later run knows its own program again: the interface's alias (`ip link` shows it) carries the program's id.
 *
 * The kernel tells anybody the id of an attached program, but its name and instructions only to SYS_ADMIN
 * (bpf_prog_get_fd_by_id in kernel/bpf/syscall.c), which a sensor's init container should not need.
 */
import { IFALIASZ } from '../sidecar/linux/abi-netlink.ts'

const mark = /(?:^| )vxtap-xdp=(?<id>[1-9][0-9]*)(?= |$)/

/** The id that is marked there; undefined where none is. */
export function markedProgram(alias: string): number | undefined {
  const id = mark.exec(alias)?.groups?.['id']
  return id === undefined ? undefined : Number(id)
}

/** The alias with nothing of ours. */
export const unmarked = (alias: string): string => alias.replace(mark, '').trim()

/** The alias with the mark behind what somebody else wrote there; undefined where both together are too long. */
export function marked(alias: string, programId: number): string | undefined {
  const result = `${unmarked(alias)} vxtap-xdp=${programId}`.trim()
  return Buffer.byteLength(result) < IFALIASZ ? result : undefined
}
