/**
 * As much of an assembler for WebAssembly as one function over an imported memory takes. Instructions are written as in
 * the text format's folded form, operands inside: `i32.add(at.get, i32.constant(16))`.
 *
 * Source: WebAssembly Core Specification 2.0, section 5 "Binary Format"; opcodes from its section 5.4.
 */
export type Code = readonly number[]

export const valueType = { i32: 0x7f, v128: 0x7b } as const
const blockWithoutResult = 0x40

/** Unsigned LEB128, section 5.2.2. */
function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]
}

/** Signed LEB128: the last byte's bit 6 is the sign. */
function signed(value: number): Code {
  if (value >= -0x40 && value < 0x40) return [value & 0x7f]
  return [(value & 0x7f) | 0x80, ...signed(value >> 7)]
}

const vector = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()]
const name = (text: string): Code => vector([...Buffer.from(text)].map((byte) => [byte]))
const section = (id: number, content: Code): Code => [id, ...unsigned(content.length), ...content]
const numeric =
  (opcode: number) =>
  (...operands: readonly Code[]): Code => [...operands.flat(), opcode]
/** Vector instructions are numbered behind a prefix, section 5.4.8. */
const simd =
  (opcode: number) =>
  (...operands: readonly Code[]): Code => [...operands.flat(), 0xfd, ...unsigned(opcode)]

export const i32 = {
  constant: (value: number): Code => [0x41, ...signed(value)],
  lessUnsigned: numeric(0x49),
  add: numeric(0x6a),
  subtract: numeric(0x6b),
  and: numeric(0x71),
} as const

export const v128 = {
  /** Sixteen bytes from wherever the address and the offset point to: alignment is only a hint. */
  load: (address: Code, offset: number): Code => [...address, 0xfd, 0, 0, ...unsigned(offset)],
  store: (address: Code, value: Code): Code => [...address, ...value, 0xfd, 11, 0, 0],
  /** @param bytes sixteen */
  constant: (bytes: readonly number[]): Code => [0xfd, 12, ...bytes],
  and: simd(78),
} as const

export const i8x16 = { splat: simd(15), lessUnsigned: simd(38) } as const

export const i32x4 = {
  extractLane: (operand: Code, lane: number): Code => [...operand, 0xfd, 27, lane],
  /** Each pair of neighbouring unsigned 16-bit lanes added, into 32 bits. */
  addPairsOf16: simd(127),
  add: simd(174),
} as const

export interface Local {
  readonly get: Code
  readonly set: (value: Code) => Code
}

/** @param index parameters count first */
export function local(index: number): Local {
  return { get: [0x20, index], set: (value) => [...value, 0x21, index] }
}

/** (block (loop (br_if 1 (i32.eqz condition)) body (br 0))) */
export function whileTrue(condition: Code, ...body: readonly Code[]): Code {
  const [block, loop, breakIf, branch, equalsZero, end] = [0x02, 0x03, 0x0d, 0x0c, 0x45, 0x0b]
  const inner = [...condition, equalsZero, breakIf, 1, ...body.flat(), branch, 0, end]
  return [block, blockWithoutResult, loop, blockWithoutResult, ...inner, end]
}

export interface Program {
  /** The memory's import, as module and field name. */
  readonly memory: readonly [string, string]
  readonly exportedAs: string
  readonly parameters: readonly number[]
  /** Undefined: none. */
  readonly result: number | undefined
  readonly locals: readonly number[]
  readonly code: readonly Code[]
}

/** A module that imports a memory and exports one function over it. */
export function assemble({ memory, exportedAs, parameters, result, locals, code }: Program): Uint8Array<ArrayBuffer> {
  const signature = [
    0x60,
    ...vector(parameters.map((type) => [type])),
    ...vector(result === undefined ? [] : [[result]]),
  ]
  // Any size will do; what does not fit the memory is refused by its own bounds.
  const memoryImport = [...name(memory[0]), ...name(memory[1]), 0x02, 0x00, 0x00]
  const body = [...vector(locals.map((type) => [1, type])), ...code.flat(), 0x0b]
  return Uint8Array.from([
    ...Buffer.from('\0asm'),
    ...[1, 0, 0, 0],
    ...section(1, vector([signature])),
    ...section(2, vector([memoryImport])),
    ...section(3, vector([[0]])),
    ...section(7, vector([[...name(exportedAs), 0x00, 0]])),
    ...section(10, vector([[...unsigned(body.length), ...body]])),
  ])
}
