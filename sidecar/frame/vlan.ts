/**
 * The kernel takes the outermost VLAN tag out of a frame before packet sockets see it, and reports it beside the frame
 * (tp_vlan_tci and tp_vlan_tpid of struct tpacket_hdr_variant1). On the wire it is in the frame, so it goes back there.
 */
import { ethernetField } from '../../wire/ethernet.ts'
import { type Memory, writeU16be } from '../../wire/memory.ts'
import { vlanTagField, vlanTagLength } from '../../wire/vlan.ts'

/**
 * Moves both addresses 4 bytes down and writes the tag after them.
 *
 * Preconditions: 4 bytes before `at` are free to be overwritten, 12 bytes of frame are there.
 *
 * @param at offset of the frame's first byte
 * @param tci priority, drop eligibility and VLAN id, as the kernel reports them
 * @param tpid 0x8100 or 0x88a8
 * @returns where the frame starts now: `at` - 4. Its length has grown by 4, and so have offsets counted from its start.
 */
export function restoreVlanTag(memory: Memory, at: number, tci: number, tpid: number): number {
  const u8 = memory.u8
  const start = at - vlanTagLength
  const tagAt = start + ethernetField.etherType
  for (let i = start; i < tagAt; i++) u8[i] = u8[i + vlanTagLength]!
  writeU16be(u8, tagAt + vlanTagField.tpid, tpid)
  writeU16be(u8, tagAt + vlanTagField.tci, tci)
  return start
}
