/** Netlink messages and their attributes as bytes: netlink(7), include/uapi/linux/netlink.h. Pure. */
import { NLA_F_NESTED, NLA_TYPE_MASK, nlattr, nlmsghdr } from './abi-netlink.ts'

const aligned = (length: number): number => (length + 3) & ~3

/** One attribute, padded to where the next one begins. */
export function attribute(type: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(aligned(nlattr.length + payload.length))
  bytes.writeUInt16LE(nlattr.length + payload.length, nlattr.bytes)
  bytes.writeUInt16LE(type, nlattr.type)
  bytes.set(payload, nlattr.length)
  return bytes
}

export function number32(type: number, value: number): Buffer {
  const payload = Buffer.alloc(4)
  payload.writeInt32LE(value | 0)
  return attribute(type, payload)
}

/** Text with the zero byte that ends it. */
export function text(type: number, value: string): Buffer {
  return attribute(type, Buffer.from(`${value}\0`))
}

export function nested(type: number, ...attributes: readonly Buffer[]): Buffer {
  return attribute(type | NLA_F_NESTED, Buffer.concat(attributes))
}

/** A whole message; `body` is the family's own header and the attributes after it. */
export function message(type: number, flags: number, sequence: number, ...body: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(nlmsghdr.length)
  const whole = Buffer.concat([header, ...body])
  whole.writeUInt32LE(whole.length, nlmsghdr.bytes)
  whole.writeUInt16LE(type, nlmsghdr.type)
  whole.writeUInt16LE(flags, nlmsghdr.flags)
  whole.writeUInt32LE(sequence, nlmsghdr.sequence)
  return whole
}

/** Attributes by type, flags of the type taken off. One that claims more bytes than there are ends the walk. */
export function attributes(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>()
  let at = 0
  while (at + nlattr.length <= bytes.length) {
    const length = bytes.readUInt16LE(at + nlattr.bytes)
    if (length < nlattr.length || at + length > bytes.length) break
    found.set(bytes.readUInt16LE(at + nlattr.type) & NLA_TYPE_MASK, bytes.subarray(at + nlattr.length, at + length))
    at += aligned(length)
  }
  return found
}

export function textOf(payload: Buffer | undefined): string | undefined {
  return payload?.toString('utf8').replace(/\0.*$/s, '')
}

export function number32Of(payload: Buffer | undefined): number | undefined {
  return payload !== undefined && payload.length >= 4 ? payload.readUInt32LE() : undefined
}
