/**
 * A small assembler for classic BPF: Documentation/networking/filter.rst, include/uapi/linux/bpf_common.h, filter.h.
 * Jumps name labels; the assembler turns them into the 8-bit distances of conditional jumps or the 32-bit ones of `ja`.
 */

/** Ancillary loads: SKF_AD_OFF plus SKF_AD_*, filter.h. */
const ancillary = 0xfffff000
export const ancillaryPacketType = ancillary + 4
export const ancillaryMark = ancillary + 20

const opcode = {
  loadWord: 0x20, // BPF_LD | BPF_W | BPF_ABS
  loadHalf: 0x28,
  loadByte: 0x30,
  loadWordAtX: 0x40, // BPF_LD | BPF_W | BPF_IND
  loadHalfAtX: 0x48,
  loadByteAtX: 0x50,
  loadScratch: 0x60, // BPF_LD | BPF_W | BPF_MEM
  storeScratch: 0x02, // BPF_ST
  loadLength: 0x80, // BPF_LD | BPF_W | BPF_LEN
  loadXHeaderLength: 0xb1, // BPF_LDX | BPF_B | BPF_MSH: X = 4 * (byte & 0xf)
  subtractX: 0x1c, // BPF_ALU | BPF_SUB | BPF_X
  addX: 0x0c,
  and: 0x54,
  shiftLeft: 0x64,
  moveToX: 0x07, // BPF_MISC | BPF_TAX
  jump: 0x05,
  jumpEqual: 0x15,
  jumpGreater: 0x25,
  jumpAtLeast: 0x35,
  jumpAnySet: 0x45,
  return: 0x06,
} as const

export type Operation = keyof typeof opcode

interface Line {
  readonly operation: Operation
  readonly value: number
  readonly ifTrue: string | undefined
  readonly ifFalse: string | undefined
}

/** Whole frame: the kernel keeps min(frame, return value) bytes. */
const wholeFrame = 0xffffffff

export class BpfBuilder {
  readonly #lines: Line[] = []
  readonly #labels = new Map<string, number>()
  #tail: Buffer = Buffer.alloc(0)

  /** Adds an instruction; a conditional jump goes on with the next line where a label is left out. */
  add(operation: Operation, value = 0, ifTrue?: string, ifFalse?: string): this {
    this.#lines.push({ operation, value, ifTrue, ifFalse })
    return this
  }

  label(name: string): this {
    this.#labels.set(name, this.#lines.length)
    return this
  }

  reject(): this {
    return this.add('return', 0)
  }

  accept(): this {
    return this.add('return', wholeFrame)
  }

  /** Ends with a compiled program, whose jumps are all relative to itself; whatever it accepts is kept whole. */
  endWith(program: Buffer): this {
    this.#tail = Buffer.from(program)
    for (let at = 0; at < this.#tail.length; at += 8) {
      const isReturnOfConstant = this.#tail.readUInt16LE(at) === opcode.return
      if (isReturnOfConstant && this.#tail.readUInt32LE(at + 4) !== 0) this.#tail.writeUInt32LE(wholeFrame, at + 4)
    }
    return this
  }

  /** @returns struct sock_filter instructions. @throws RangeError for a label that is missing or out of reach */
  assemble(): Buffer {
    const bytes = Buffer.alloc(this.#lines.length * 8)
    this.#lines.forEach((line, index) => {
      const at = index * 8
      const distance = (label: string | undefined): number => {
        if (label === undefined) return 0
        const goal = this.#labels.get(label)
        if (goal === undefined || goal <= index) throw new RangeError(`no label ${label} ahead of instruction ${index}`)
        return goal - index - 1
      }
      bytes.writeUInt16LE(opcode[line.operation], at)
      if (line.operation === 'jump') bytes.writeUInt32LE(distance(line.ifTrue), at + 4)
      else {
        bytes.writeUInt8(distance(line.ifTrue), at + 2)
        bytes.writeUInt8(distance(line.ifFalse), at + 3)
        bytes.writeUInt32LE(line.value >>> 0, at + 4)
      }
    })
    return Buffer.concat([bytes, this.#tail])
  }
}
