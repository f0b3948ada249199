/**
 * The bench itself, with a few hundred packets and without a clock: that what it counts is what happened, so that it does
 * not rot between measurements. No figure of time is asserted, and nothing beyond what `make setup` brings is needed.
 *
 *   [client] eth0 ==== br0 of node-1 ==== eth0 [web]  tap
 *                          |                            | VXLAN
 *                          +====== eth0 [sensor] <------+   counting socket
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compare } from '../../bench/compare.ts'
import { contestants, vxtap } from '../../bench/contestants.ts'
import { CountingSocket } from '../../bench/counting-socket.ts'
import { select } from '../../bench/matrix.ts'
import { measure } from '../../bench/measure.ts'
import { pictures } from '../../bench/pictures.ts'
import { program } from '../../bench/programs.ts'
import { type Cell, checksums, problemsOf, type Results } from '../../bench/results.ts'
import { Scene } from '../../bench/scene.ts'
import { blocks, plain } from '../../bench/table.ts'
import { verdicts } from '../../bench/verdict.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const packets = 320
/** Those that need no package of their own. */
const here = ['none', 'libpcap', 'tc-mirred', 'vxtap-kernel', 'vxtap-pcap', 'vxtap-mmsg', 'vxtap-gso', 'vxtap-gso-cut']
const entrants = contestants
  .filter(({ name }) => here.includes(name))
  // By default its buffer holds 128 frames, which is less than one look away of a busy machine.
  .map((one) => (one.name === 'vxtap-pcap' ? { ...one, start: vxtap({ ENGINE: 'pcap', RING_MIB: '64' }) } : one))
const udp = ['udp-64-30k/spare', 'udp-512-30k/spare', 'udp-1400-30k/spare']

/** Packets and bounds of a smoke run: slow enough that nobody has a reason to lose one. */
const workload = (bytes: number) =>
  ({ name: `smoke-${bytes}`, title: '', kind: 'udp', bytes, rate: 4000, mtu: 1600 }) as const

describe('given the bench with every arrival at the sensor looked at', () => {
  let scene: Scene
  let cells: Cell[]
  const failures: string[] = []

  beforeAll(async () => {
    execFileSync('sh', ['scripts/bench-programs.sh'], { cwd: root, stdio: 'pipe' })
    execFileSync(process.execPath, ['scripts/bundle.ts'], { cwd: root, stdio: 'pipe' })
    scene = await Scene.create({ sample: 1, servers: false })
    const chosen = select({ quick: false, only: udp.join(',') }, here)
    cells = await compare({
      scene,
      accounts: undefined,
      contestants: entrants,
      cellsOf: () => chosen.cells.map((cell) => ({ ...cell, workload: { ...cell.workload, rate: 4000 } })),
      runs: 1,
      bounds: () => ({ seconds: 5, packets }),
      warmUps: [],
      deadline: Number.POSITIVE_INFINITY,
      progress: () => {},
      failed: (sentence) => failures.push(sentence),
    })
  })
  afterAll(async () => {
    await scene?.close()
  })

  const of = (name: string): Cell[] => cells.filter(({ contestant }) => contestant === name)

  it('then each contestant has met each workload, and each frame was offered', () => {
    expect(failures).toEqual([])
    expect(cells.map(({ contestant, workload, placement }) => `${contestant} ${workload}/${placement}`)).toEqual(
      here.flatMap((name) => udp.map((key) => `${name} ${key}`)),
    )
    for (const { samples } of cells) expect(samples[0]!.offered).toBe(packets)
  })

  it('then nothing is mirrored without a tap', () => {
    for (const { samples } of of('none')) expect(samples[0]).toMatchObject({ mirrored: 0, share: 0, checked: 0 })
  })

  it.each(here.slice(1))('then every frame is mirrored, and none is lost: %s', (name) => {
    for (const { samples } of of(name)) {
      expect(samples[0]).toMatchObject({ share: 1, lost: 0 })
      // Neighbour discovery and the like may add a frame, never take one.
      expect(samples[0]!.mirrored).toBeGreaterThanOrEqual(packets)
      expect(samples[0]!.mirrored).toBeLessThan(packets + 20)
      expect(samples[0]!.checked).toBeGreaterThanOrEqual(packets)
      expect(samples[0]!.ended).toBeUndefined()
      const { own } = samples[0]!
      // The kernel's mirror counts for itself.
      expect(own !== undefined).toBe(name.startsWith('vxtap') && name !== 'vxtap-kernel')
      if (own !== undefined) expect([own.captured, own.dropped, own.sent >= packets]).toEqual([own.sent, 0, true])
    }
  })

  it.each(entrants.filter(({ repairs, name }) => repairs && name !== 'none').map(({ name }) => name))(
    'then every inner checksum is right: %s',
    (name) => {
      for (const cell of of(name)) expect(checksums(cell).good).toBe(checksums(cell).checked)
    },
  )

  it.each(entrants.filter(({ repairs }) => !repairs).map(({ name }) => name))(
    'then the inner checksums that a veth leaves unfinished are wrong, as they are known to be: %s',
    (name) => {
      for (const cell of of(name)) expect(checksums(cell).good).toBeLessThan(checksums(cell).checked - packets + 20)
    },
  )

  it('then the results are well-formed, and every table and bar can be made of them', () => {
    const results: Results = {
      format: 1,
      date: new Date().toISOString(),
      machine: 'this',
      command: 'make netns',
      commit: 'none',
      runs: 1,
      seconds: 1,
      contestants: entrants.map(({ name, title, how }) => ({ name, title, how })),
      cells,
      failures,
    }
    expect(problemsOf(JSON.parse(JSON.stringify(results)))).toEqual([])
    const text = blocks(results, plain)
    for (const { title } of entrants) expect(text).toContain(title)
    expect([...pictures(results).values()].every((svg) => svg.startsWith('<svg'))).toBe(true)
    expect(verdicts(results).every(({ met, value }) => met === undefined && value === 'not run')).toBe(true)
  })

  it.each(['vxtap-pcap', 'vxtap-mmsg', 'vxtap-gso'])(
    "then the tap's own counters add up, and say what the sensor says: %s",
    async (name) => {
      const far = await scene.far(false)
      const contestant = entrants.find((one) => one.name === name)!
      await scene.setMtu(workload(512).mtu)
      const tap = await contestant.start(scene)
      try {
        const before = (await far.arrived()).frames
        const common = { scene, far, tap, accounts: undefined, run: 1, bounds: { seconds: 5, packets } }
        await measure({ ...common, workload: workload(512), placement: 'spare' })
        const { captured, sent, dropped } = await tap.counters!()
        expect(captured).toBe(sent + dropped)
        expect(dropped).toBe(0)
        expect((await far.arrived()).frames - before).toBe(sent)
      } finally {
        await tap.stop()
      }
    },
  )

  it('then counting in the kernel, as a measurement does, says the same; where the kernel refuses, it says why', async () => {
    const port = 4790
    const send = [program('flood'), scene.sensor.address4, String(port), '64', String(packets), '5', '8', '4000']
    const outcome = await CountingSocket.open(scene.sensor, { port, sample: 10 }).then(
      async (socket) => {
        await scene.client.exec(send)
        const { arrivals, frames, bytes, good, bad, unknown } = await socket.arrived()
        await socket.close()
        return { arrivals, frames, bytes, looked: good + bad + unknown }
      },
      (error: unknown) => String(error),
    )
    const counted = { arrivals: packets, frames: packets, bytes: packets * 64, looked: packets / 10 }
    expect([
      counted,
      "Error: the sensor's socket ended: sensor: counting in the kernel needs root (BPF): Operation not permitted",
    ]).toContainEqual(outcome)
  })
})
