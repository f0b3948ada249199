/**
 * The VLAN tag (IEEE 802.1Q clause 9), which stands between the source address and the EtherType.
 *
 *  0        2                     4
 *  | TPID   | PCP(3) DEI(1) VID(12) | EtherType of what follows ...
 */
export const vlanTagField = {
  tpid: 0,
  tci: 2,
} as const

export const vlanTagLength = 4

/** A customer tag, IEEE 802.1Q. */
export const tpidCustomer = 0x8100
/** A service tag, IEEE 802.1ad. */
export const tpidService = 0x88a8

/** The two that Linux knows as tags (eth_type_vlan in include/linux/if_vlan.h). */
export function isVlanTpid(etherType: number): boolean {
  return etherType === tpidCustomer || etherType === tpidService
}
