/**
 * Runs classic BPF the way the kernel does, written from Documentation/networking/filter.rst alone: a second opinion
 * on the programs that sidecar/capture builds.
 */

export interface Packet {
  readonly bytes: Uint8Array
  readonly mark: number
  readonly packetType: number
}

const ancillaryBase = 0xfffff000

/** What the program returns for a packet: 0 rejects it. */
export function runBpf(program: Buffer, packet: Packet): number {
  let a = 0
  let x = 0
  let pc = 0
  const scratch: number[] = []
  for (let steps = 0; steps < 10_000; steps++) {
    const code = program.readUInt16LE(pc * 8)
    const jt = program.readUInt8(pc * 8 + 2)
    const jf = program.readUInt8(pc * 8 + 3)
    const k = program.readUInt32LE(pc * 8 + 4)
    pc++
    const load = (at: number, width: number): number | undefined => {
      if (at === ancillaryBase + 4) return packet.packetType
      if (at === ancillaryBase + 20) return packet.mark
      if (at + width > packet.bytes.length) return undefined
      let value = 0
      for (let i = 0; i < width; i++) value = value * 256 + packet.bytes[at + i]!
      return value
    }
    switch (code) {
      case 0x20:
      case 0x28:
      case 0x30:
      case 0x40:
      case 0x48:
      case 0x50: {
        const width = [4, 2, 1][(code & 0x18) >> 3]!
        const value = load((code & 0xe0) === 0x40 ? x + k : k, width)
        if (value === undefined) return 0
        a = value
        break
      }
      case 0x60:
        a = scratch[k]!
        break
      case 0x02:
        scratch[k] = a
        break
      case 0x80:
        a = packet.bytes.length
        break
      case 0xb1: {
        const value = load(k, 1)
        if (value === undefined) return 0
        x = (value & 0xf) * 4
        break
      }
      case 0x1c:
        a = (a - x) >>> 0
        break
      case 0x0c:
        a = (a + x) >>> 0
        break
      case 0x54:
        a = (a & k) >>> 0
        break
      case 0x64:
        a = (a << k) >>> 0
        break
      case 0x07:
        x = a
        break
      case 0x05:
        pc += k
        break
      case 0x15:
        pc += a === k ? jt : jf
        break
      case 0x25:
        pc += a > k ? jt : jf
        break
      case 0x35:
        pc += a >= k ? jt : jf
        break
      case 0x45:
        pc += (a & k) !== 0 ? jt : jf
        break
      case 0x06:
        return k
      default:
        throw new Error(`instruction 0x${code.toString(16)} is not known here`)
    }
  }
  throw new Error('the program does not end')
}
