import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lives, World } from './world.ts'

const events = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('step' as const), replica: fc.nat(1) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('follow' as const),
      replica: fc.nat(1),
      what: fc.constantFrom('secret' as const, 'webhooks' as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 100, max: lives.leafMs / 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), replica: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('empty' as const) }) },
)

const clocks = fc.tuple(
  fc.integer({ min: -lives.leafMs / 4, max: lives.leafMs / 4 }),
  fc.integer({ min: -lives.leafMs / 4, max: lives.leafMs / 4 }),
)

/** Both lead and follow, without anything going wrong, for this long. */
async function quietTime(world: World, ms: number, stepMs: number): Promise<void> {
  for (const end = world.now + ms; world.now < end; world.now += stepMs) {
    for (const replica of world.replicas) {
      for (let step = 0; step < 4; step++) await replica.step()
      for (const what of ['webhooks', 'secret'] as const) replica.follow(what)
    }
    expect(world.distrusted()).toEqual([])
  }
}

describe('given two replicas that both take themselves for the leader, whatever happens in whatever order', () => {
  it('then at each moment the API server trusts every certificate that is served', async () => {
    await fc.assert(
      fc.asyncProperty(clocks, fc.array(events, { minLength: 60, maxLength: 160 }), async (skews, happening) => {
        const world = new World()
        for (const skew of skews) world.replica(skew)
        await quietTime(world, 3000, 500)
        for (const event of happening) {
          if (event.kind === 'wait') world.now += event.ms
          else if (event.kind === 'empty') world.secret = { version: world.secret.version + 1, content: {} }
          else if (event.kind === 'step') await world.replicas[event.replica]!.step()
          else if (event.kind === 'restart') world.replicas[event.replica]!.restart()
          else world.replicas[event.replica]!.follow(event.what)
          expect(world.distrusted()).toEqual([])
          expect(world.strandsNewcomers()).toBe(false)
        }
      }),
      { numRuns: 25, seed: 20_260_301 },
    )
  }, 60_000)
})

describe('given two replicas that are left alone', () => {
  it('then both serve without a break through the lives of several authorities, and none of it piles up', async () => {
    const world = new World()
    const replicas = [world.replica(-900), world.replica(1300)]
    await quietTime(world, 2000, 200)
    const seen = { leaves: new Set<string>(), authorities: new Set<string>() }
    for (const end = world.now + 3 * lives.authorityMs; world.now < end; ) {
      await quietTime(world, 5000, 5000)
      for (const { serving } of replicas) {
        expect(serving).toBeDefined()
        seen.leaves.add(serving!.leaf.certificate)
        seen.authorities.add(serving!.authority)
      }
      expect(world.webhooks.content[0]!.match(/BEGIN/g)!.length).toBeLessThanOrEqual(3)
    }
    expect(seen.authorities.size).toBeGreaterThanOrEqual(5)
    expect(seen.leaves.size).toBeGreaterThanOrEqual(20)
  }, 60_000)
})
