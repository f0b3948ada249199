import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assemble, type Code, i32, local, valueType, whileTrue } from '../../../../sidecar/simd/assembler.ts'
import { sumModule } from '../../../../sidecar/simd/sum-module.ts'

interface Engine {
  validate(bytes: Uint8Array): boolean
  Memory: new (descriptor: { initial: number }) => object
  Module: new (bytes: Uint8Array) => object
  Instance: new (
    module: object,
    imports: object,
  ) => { readonly exports: { readonly run: (one: number, other: number) => number } }
}

const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: Engine }

function run(code: readonly Code[], one = 0, other = 0): number {
  const module = assemble({
    memory: ['a', 'b'],
    exportedAs: 'run',
    parameters: [valueType.i32, valueType.i32],
    result: valueType.i32,
    locals: [valueType.i32],
    code,
  })
  const imports = { a: { b: new WebAssembly.Memory({ initial: 1 }) } }
  return new WebAssembly.Instance(new WebAssembly.Module(module), imports).exports.run(one, other)
}

describe('the assembler', () => {
  it('encodes every 32-bit number', () => {
    const edges = [0, 63, 64, -64, -65, 127, 128, 8191, 8192, -8192, -8193, 2 ** 31 - 1, -(2 ** 31)]
    for (const number of edges) expect(run([i32.constant(number)])).toBe(number)
    fc.assert(
      fc.property(fc.integer(), (number) => {
        expect(run([i32.constant(number)])).toBe(number)
      }),
      { numRuns: 100, seed: 3 },
    )
  })

  it('passes parameters in order, and repeats a body while the condition holds', () => {
    const [one, other, count] = [local(0), local(1), local(2)]
    const code = [
      whileTrue(
        i32.lessUnsigned(one.get, other.get),
        one.set(i32.add(one.get, i32.constant(7))),
        count.set(i32.add(count.get, i32.constant(1))),
      ),
      count.get,
    ]
    expect(run(code, 0, 70)).toBe(10)
    expect(run(code, 0, 71)).toBe(11)
    expect(run(code, 5, 5)).toBe(0)
    expect(run(code, 70, 0)).toBe(0)
  })
})

describe('the module that sums', () => {
  it('is valid WebAssembly', () => {
    expect(WebAssembly.validate(sumModule)).toBe(true)
  })
})
