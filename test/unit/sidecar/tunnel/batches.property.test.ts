/** Lists of batches and the sender together, against a model of the kernel that fails as it likes. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Counters } from '../../../../sidecar/counters.ts'
import {
  BatchList,
  batchShape,
  type ListShape,
  listLength,
  singleShape,
} from '../../../../sidecar/tunnel/batch-list.ts'
import { type Outlet, Sender } from '../../../../sidecar/tunnel/sender.ts'
import { Memory } from '../../../../wire/memory.ts'
import { type Fault, ModelKernel } from '../../../support/send-kernel.ts'

const listsAt = 0x7f00_1234_5000
/** The lower half of the addresses runs over within the data. */
const dataAt = 0x7e00_ffff_c000
const largest = 1472
const mostBytes = 65_507
const ECONNREFUSED = 111
const EINTR = 4
const EIO = 5
const EINVAL = 22
const ENOBUFS = 105
const EAGAIN = 11
const EMSGSIZE = 90

interface Datagram {
  readonly flow: number
  readonly size: number
  /** Bytes of its head; the rest is a second piece. */
  readonly head: number
  readonly flushAfter: boolean
}

const datagram: fc.Arbitrary<Datagram> = fc
  .record({
    flow: fc.constantFrom(0, 0x100, 0x200, 0x300, 0x1_0100, 0xffff_ff00),
    size: fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(100, 60, 1472, 1000) },
      { weight: 1, arbitrary: fc.integer({ min: 16, max: 1600 }) },
    ),
    split: fc.boolean(),
    flushAfter: fc.integer({ min: 0, max: 99 }).map((value) => value === 0),
  })
  .map(({ split, size, ...rest }) => ({ ...rest, size, head: split ? Math.max(10, size >> 2) : size }))

const fault: fc.Arbitrary<Fault> = fc.oneof(
  { weight: 12, arbitrary: fc.constant({ kind: 'none' } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'foreign', errno: ECONNREFUSED } as const) },
  { weight: 1, arbitrary: fc.constantFrom(EINTR, ENOBUFS, EAGAIN).map((errno) => ({ kind: 'error', errno }) as const) },
)

function setUp(shape: ListShape, faults: Iterator<Fault>, batchErrno: () => number) {
  const lists = new Memory(new ArrayBuffer(listLength(shape) + listLength(singleShape)))
  const data = new Memory(new ArrayBuffer(4 << 20))
  const read = (address: number, length: number) =>
    address >= listsAt
      ? lists.u8.subarray(address - listsAt, address - listsAt + length)
      : data.u8.slice(address - dataAt, address - dataAt + length)
  const kernel = new ModelKernel({ read, faults, largest: () => largest, batchErrno })
  const counters = new Counters()
  const list = new BatchList({ memory: lists, address: listsAt, at: 0 }, shape, dataAt, mostBytes)
  const singles = new BatchList(
    { memory: lists, address: listsAt, at: listLength(shape) },
    singleShape,
    dataAt,
    mostBytes,
  )
  const refusals: number[] = []
  const outlet: Outlet = {
    taken: 0,
    refused: 0,
    learnMtu: () => {},
    batchRefused: (_size, errno) => {
      refusals.push(errno)
      list.joinUpTo(0)
    },
  }
  const sender = new Sender(counters, singles, kernel)
  let at = 0
  /** Each datagram names its flow and its number in the first bytes. */
  const add = ({ flow, size, head }: Datagram, number: number): void => {
    data.u8.fill(number & 0xff, at, at + size)
    new DataView(data.buffer).setUint32(at, flow)
    new DataView(data.buffer).setUint32(at + 4, number)
    const once = () => list.add(flow, at, head, at + head, size - head)
    if (!once()) {
      sender.send(outlet, 3, list)
      if (!once()) throw new Error('an empty list had no room')
    }
    at += size
  }
  const flush = () => {
    if (list.count > 0) sender.send(outlet, 3, list)
    sender.rest()
  }
  return { kernel, counters, list, outlet, refusals, add, flush }
}

type SetUp = ReturnType<typeof setUp>

function sendAll({ add, flush }: SetUp, datagrams: readonly Datagram[]): void {
  datagrams.forEach((one, number) => {
    add(one, number)
    if (one.flushAfter) flush()
  })
  flush()
}

const flowOf = (bytes: Uint8Array) => Buffer.from(bytes).readUInt32BE(0)
const numberOf = (bytes: Uint8Array) => Buffer.from(bytes).readUInt32BE(4)

/** By flow, the numbers in the order given. */
function byFlow(pairs: readonly (readonly [flow: number, number: number])[]): Map<number, number[]> {
  const flows = new Map<number, number[]>()
  for (const [flow, number] of pairs) flows.set(flow, [...(flows.get(flow) ?? []), number])
  return flows
}

function expectAllInOrder({ kernel, counters, outlet }: SetUp, datagrams: readonly Datagram[]): void {
  const sent = kernel.datagrams.map((bytes) => [flowOf(bytes), numberOf(bytes)] as const)
  expect(byFlow(sent)).toEqual(byFlow(datagrams.map(({ flow }, number) => [flow, number])))
  for (const bytes of kernel.datagrams) {
    const wanted = datagrams[numberOf(bytes)]!
    expect(bytes.length).toBe(wanted.size)
    expect(bytes.subarray(8).every((byte) => byte === (numberOf(bytes) & 0xff))).toBe(true)
  }
  expect(counters.sentFrames).toBe(datagrams.length)
  expect(counters.sentBytes).toBe(datagrams.reduce((sum, { size }) => sum + size, 0))
  expect(outlet.taken).toBe(datagrams.length)
  expect(counters.dropped.send_error).toBe(0)
}

const none: Fault = { kind: 'none' }

const endless = (faults: readonly Fault[]): Iterator<Fault> => {
  let index = -1
  // Two sends without one after each: a message is given up when three in a row fail.
  const next = () => {
    index++
    return index % 3 === 0 ? (faults[(index / 3) % faults.length] ?? none) : none
  }
  return { next: () => ({ done: false, value: next() }) }
}

describe('datagrams of many flows and sizes', () => {
  it('when they leave in batches through a kernel that fails now and then, then each arrives once and whole, and every flow in order', () => {
    fc.assert(
      fc.property(
        fc.array(datagram, { minLength: 1, maxLength: 600 }),
        fc.array(fault, { minLength: 1 }),
        (datagrams, faults) => {
          const set = setUp(batchShape, endless(faults), () => 0)
          set.list.joinUpTo(largest)
          sendAll(set, datagrams)
          expectAllInOrder(set, datagrams)
          expect(set.refusals).toEqual([])
        },
      ),
      { seed: 4789, numRuns: 150 },
    )
  })

  for (const errno of [EINVAL, EIO]) {
    it(`when the kernel begins to refuse batches (errno ${errno}) in the middle, then nothing is lost, repeated or out of order`, () => {
      fc.assert(
        fc.property(fc.array(datagram, { minLength: 1, maxLength: 300 }), fc.nat(20), (datagrams, from) => {
          let left = from
          const set = setUp(batchShape, endless([none]), () => (left-- > 0 ? 0 : errno))
          set.list.joinUpTo(largest)
          sendAll(set, datagrams)
          expectAllInOrder(set, datagrams)
          expect(set.counters.sendErrors.size).toBe(set.refusals.length === 0 ? 0 : 1)
        }),
        { seed: 4790, numRuns: 100 },
      )
    })
  }

  it('when they leave one by one, then no message holds two', () => {
    fc.assert(
      fc.property(fc.array(datagram, { minLength: 1, maxLength: 300 }), (datagrams) => {
        const set = setUp(singleShape, endless([none]), () => EINVAL)
        sendAll(set, datagrams)
        expectAllInOrder(set, datagrams)
        expect(set.kernel.messages).toBe(datagrams.length)
      }),
      { seed: 4791, numRuns: 50 },
    )
  })
})

describe('a list of batches', () => {
  const uniform = (count: number, size: number, flows = 1): Datagram[] =>
    Array.from({ length: count }, (_, index) => ({ flow: (index % flows) << 8, size, head: size, flushAfter: false }))

  function messagesFor(datagrams: readonly Datagram[], joinUpTo = largest) {
    const set = setUp(batchShape, endless([none]), () => 0)
    set.list.joinUpTo(joinUpTo)
    sendAll(set, datagrams)
    expectAllInOrder(set, datagrams)
    return set.kernel
  }

  it('given datagrams of one size, then puts 64 into a message', () => {
    expect(messagesFor(uniform(640, 100, 7))).toMatchObject({ messages: 10, largestBatch: 64 })
  })

  it('given a list that was sent, then starts anew', () => {
    const two = uniform(2, 100, 2)
    expect(messagesFor([...two.slice(0, 1), { ...two[1]!, flushAfter: true }, ...two])).toMatchObject({ messages: 2 })
  })

  it('given large ones, then no message has more bytes than IP can tell', () => {
    expect(messagesFor(uniform(88, 1472))).toMatchObject({ messages: 2, largestBatch: 44 })
  })

  it('given datagrams above what the path carries, then each is a message of its own', () => {
    expect(messagesFor(uniform(20, 1000), 999)).toMatchObject({ messages: 20, largestBatch: 0 })
  })

  it('given requests and answers of two sizes in many flows, then keeps each flow in order in few messages', () => {
    const turns = [60, 1000, 100].flatMap((size) => uniform(32, size, 32))
    expect(messagesFor(turns).messages).toBe(3)
  })

  it('given the short last segment of a super-frame, then it ends the batch of the others', () => {
    const segments = uniform(10, 1400).map((one) => ({ ...one, head: 70 }))
    expect(messagesFor([...segments, { ...segments[0]!, size: 300 }]).messages).toBe(1)
  })

  it('given a short datagram that is no segment, then it leaves the batch to those of its size', () => {
    const kernel = messagesFor([
      ...uniform(5, 1400),
      ...uniform(1, 60),
      ...uniform(5, 1400, 5).map((one) => ({ ...one, flow: one.flow + 0x2000 })),
    ])
    expect(kernel).toMatchObject({ messages: 2, largestBatch: 10 })
  })

  it('given more sizes than a list has messages, then what waits is sent first and nothing is lost', () => {
    const sizes = Array.from({ length: 100 }, (_, index) => uniform(1, 100 + index)[0]!)
    expect(messagesFor(sizes).messages).toBe(100)
  })
})

describe('the sender', () => {
  it('given a batch for which the device queue has no room however often it is tried, then sends its datagrams one by one', () => {
    const full = { kind: 'error', errno: ENOBUFS } as const
    const faults = [full, full, full][Symbol.iterator]()
    const script = { next: () => ({ done: false as const, value: faults.next().value ?? none }) }
    const set = setUp(batchShape, script, () => 0)
    set.list.joinUpTo(largest)
    const datagrams = Array.from({ length: 5 }, () => ({ flow: 0, size: 100, head: 100, flushAfter: false }))
    sendAll(set, datagrams)
    expectAllInOrder(set, datagrams)
    expect(set.kernel.messages).toBe(5)
    expect(set.refusals).toEqual([])
  })

  for (const [what, errno, tries] of [
    ['is too large, which over IPv6 queues an error of its own each time', EMSGSIZE, 6],
    ['meets an error of an earlier one each time', ECONNREFUSED, 67],
  ] as const) {
    it(`given a datagram that ${what}, then gives it up after ${tries} tries and goes on with the next`, () => {
      let calls = 0
      const next = () => ({
        done: false as const,
        value: calls++ < tries ? ({ kind: 'foreign', errno } as const) : none,
      })
      const set = setUp(singleShape, { next }, () => 0)
      const one = { flow: 0, size: 100, head: 100, flushAfter: false }
      sendAll(set, [one, one])
      expect(set.kernel.datagrams.map(numberOf)).toEqual([1])
      expect(set.counters.dropped.send_error).toBe(1)
      expect(calls).toBe(tries + 1)
    })
  }

  it('given a batch that there is no way for, then counts each of its datagrams as lost', () => {
    const set = setUp(batchShape, { next: () => ({ done: false, value: { kind: 'error', errno: 101 } }) }, () => 0)
    set.list.joinUpTo(largest)
    sendAll(
      set,
      Array.from({ length: 5 }, () => ({ flow: 0, size: 100, head: 100, flushAfter: false })),
    )
    expect(set.counters.dropped.send_error).toBe(5)
    expect(set.outlet).toMatchObject({ taken: 0, refused: 5 })
    expect(set.counters.sentFrames).toBe(0)
  })
})
