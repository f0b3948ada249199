import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { grants, openScene, type Replica, type Scene, until } from '../../../support/self-managed.ts'

const month = { leafMs: 30 * 86_400_000, authorityMs: 365 * 86_400_000 }
const seconds = { leafMs: 8000, authorityMs: 16_000 }
const leading = 'vxtap_injector_leader'
const failures = (resource: string): string => `vxtap_injector_certificate_failures_total{resource="${resource}"}`
const isReady = async (replica: Replica): Promise<boolean> => (await replica.ready()).status === 200
const said = (replica: Replica, pattern: RegExp) => replica.log.filter(({ msg }) => pattern.test(String(msg)))

describe('given injectors that keep their certificates themselves', { timeout: 90_000 }, () => {
  let scene: Scene
  afterEach(() => scene.close())

  const both = async (): Promise<[Replica, Replica]> => {
    const replicas: [Replica, Replica] = [await scene.replica(), await scene.replica()]
    await until('both are ready', async () => (await isReady(replicas[0])) && (await isReady(replicas[1])))
    return replicas
  }
  const leaderOf = async (replicas: readonly Replica[]): Promise<Replica> => {
    const leads = await Promise.all(replicas.map((replica) => replica.metric(leading)))
    expect(leads.filter((one) => one === 1)).toHaveLength(1)
    return replicas[leads.indexOf(1)]!
  }

  it('when two start with an empty Secret, then one makes a certificate, both serve it, and nobody writes again', async () => {
    scene = await openScene(month)
    const replicas = await both()
    for (const replica of replicas) expect(await scene.call(replica)).toBe(404)
    const leader = await leaderOf(replicas)
    expect(await leader.metric('vxtap_injector_certificate_rotations_total{what="leaf"}')).toBe(1)
    const life = await leader.metric('vxtap_injector_certificate_life_seconds')
    const expiry = await leader.metric('vxtap_injector_certificate_expiry_timestamp_seconds')
    expect(life).toBe(month.leafMs / 1000)
    expect(Math.abs(expiry - life - Date.now() / 1000)).toBeLessThan(120)
    await sleep(500)
    expect(scene.api.count({ verb: 'patch', resource: 'secrets', status: 200 })).toBe(1)
    expect(scene.api.count({ verb: 'patch', resource: 'mutatingwebhookconfigurations', status: 200 })).toBe(1)
    expect(scene.api.webhooks.get('', 'vxtap').webhooks?.every(({ clientConfig }) => clientConfig.caBundle)).toBe(true)
  })

  it('when there is no webhook configuration yet, then they are not ready, and say so, until it comes', async () => {
    scene = await openScene(month)
    const configuration = scene.api.webhooks.delete('', 'vxtap')
    const replica = await scene.replica()
    await until('it has made a certificate', () => scene.secret()['tls.crt'] !== undefined)
    expect(await replica.ready()).toEqual({
      status: 503,
      text: 'there is no certificate in the Secret vxtap-certificates that the API server trusts\n',
    })
    await expect(scene.api.webhooks.create(configuration)).resolves.toBeDefined()
    await until('it is ready', () => isReady(replica))
    expect(said(replica, /does not exist yet/)).toHaveLength(1)
  })

  it('when authority and certificate are rotated and the leader goes, then no connection fails', async () => {
    scene = await openScene(seconds)
    const replicas = await both()
    const leader = await leaderOf(replicas)
    const stays = replicas.find((replica) => replica !== leader)!
    const first = scene.secret()['ca.crt']
    const certificates = new Set<string | undefined>()
    let calls = 0
    let gone = false
    const authorities = new Set<string | undefined>([first])
    for (const end = Date.now() + 45_000; authorities.size < 3 && Date.now() < end; calls++) {
      if (!gone && authorities.size === 2) {
        gone = true
        await leader.stop()
      }
      for (const replica of gone ? [stays] : replicas) expect(await scene.call(replica)).toBe(404)
      certificates.add(scene.secret()['tls.crt'])
      authorities.add(scene.secret()['ca.crt'])
      await sleep(50)
    }
    expect([gone, authorities.size]).toEqual([true, 3])
    expect(certificates.size).toBeGreaterThan(3)
    expect(calls).toBeGreaterThan(30)
    expect(await stays.metric(leading)).toBe(1)
  })

  it('when one with other lives is to go, then it does not undo what the others do', async () => {
    scene = await openScene({ leafMs: 30_000, authorityMs: 120_000 })
    const old = await scene.replica(month, '12')
    await until('the old one is ready', () => isReady(old))
    const fresh = await scene.replica()
    await until('the new one is ready', () => isReady(fresh))
    // While a connection is open, it goes on answering.
    const held = connect(old.port, '127.0.0.1')
    const going = old.stop()
    await until('the new one leads', async () => (await fresh.metric(leading)) === 1)
    await until('it has renewed everything', async () => {
      const made = await fresh.metric('vxtap_injector_certificate_rotations_total{what="authority"}')
      return made === 1 && scene.secret()['next-ca.crt'] === undefined
    })
    const after = scene.secret()
    await sleep(2000)
    expect(scene.secret()).toEqual(after)
    expect(await old.metric('vxtap_injector_certificate_rotations_total{what="leaf"}')).toBe(1)
    for (const replica of [old, fresh]) expect(await scene.call(replica)).toBe(404)
    held.destroy()
    await going
  })

  it('when the Secret is emptied, to get rid of its keys, then all are new, and no connection fails', async () => {
    const short = { leafMs: 20_000, authorityMs: 80_000 }
    scene = await openScene(short)
    const replicas = await both()
    const { 'ca.crt': before, ...rest } = scene.secret()
    const nothing = Object.fromEntries(Object.keys({ ...rest, 'ca.crt': '' }).map((key) => [key, null]))
    await scene.patchSecret(nothing)
    for (const end = Date.now() + 5000; Date.now() < end; ) {
      for (const replica of replicas) expect(await scene.call(replica)).toBe(404)
      await sleep(50)
    }
    const authority = Buffer.from(scene.secret()['ca.crt'] ?? '', 'base64').toString()
    expect(authority).toContain('BEGIN CERTIFICATE')
    expect(scene.secret()['ca.crt']).not.toBe(before)
    expect(scene.bundle()).toContain(authority)
  })

  it('when something else changes caBundle, then it is put right each time, and told once', async () => {
    scene = await openScene(month)
    const replicas = await both()
    const leader = await leaderOf(replicas)
    const right = scene.bundle()
    for (const wrong of ['', 'nonsense', '']) {
      scene.patchBundle(wrong)
      await until('caBundle is right', () => scene.bundle() === right)
    }
    await until('all is counted', async () => (await leader.metric('vxtap_injector_ca_bundle_repairs_total')) === 3)
    expect(said(leader, /something else changed caBundle/).filter(({ level }) => level === 40)).toEqual([
      expect.objectContaining({ webhookConfiguration: 'vxtap' }),
    ])
    expect(await isReady(leader)).toBe(true)
  })

  it('when nobody can get the Lease, then certificates are made and renewed nevertheless, a little later', async () => {
    scene = await openScene(
      seconds,
      grants.filter(({ resource }) => resource !== 'leases'),
    )
    const replicas = await both()
    const first = scene.secret()['tls.crt']
    await until('it is renewed', async () => {
      for (const replica of replicas) expect(await scene.call(replica)).toBe(404)
      return scene.secret()['tls.crt'] !== first
    })
    for (const replica of replicas) expect(await replica.metric(leading)).toBe(0)
  })

  it('when there is no Lease, then they are ready at once all the same, and nobody writes again', async () => {
    scene = await openScene(month, grants, false)
    const replicas = await both()
    for (const replica of replicas) expect(await scene.call(replica)).toBe(404)
    await sleep(500)
    expect(scene.api.count({ verb: 'patch', resource: 'secrets', status: 200 })).toBe(1)
    expect(scene.api.count({ verb: 'patch', resource: 'mutatingwebhookconfigurations', status: 200 })).toBe(1)
  })

  it('when nobody can get the Lease and certificates live for a month, then they are ready within a minute', async () => {
    scene = await openScene(
      month,
      grants.filter(({ resource }) => resource !== 'leases'),
    )
    const replica = await scene.replica()
    await until('it is ready', () => isReady(replica), 60)
    expect(await scene.call(replica)).toBe(404)
  })

  it.each([
    ['secrets', 'list', /needs: list secrets named vxtap-certificates in the namespace vxtap$/],
    ['secrets', 'patch', /needs: patch secrets named vxtap-certificates in the namespace vxtap$/],
    [
      'leases',
      'patch',
      /needs: patch leases \(coordination\.k8s\.io\) named vxtap-certificates in the namespace vxtap$/,
    ],
    ['mutatingwebhookconfigurations', 'patch', /needs: patch mutatingwebhookconfigurations .* named vxtap$/],
  ])(
    'when the right to %s is missing: %s, then the log names it, and nobody is ready',
    async (resource, verb, rule) => {
      const rights = grants.map((grant) =>
        grant.resource === resource ? { ...grant, verbs: grant.verbs.filter((one) => one !== verb) } : grant,
      )
      scene = await openScene(month, rights)
      const replica = await scene.replica()
      await until('the log names it', () => said(replica, rule).length > 0)
      expect((await replica.ready()).status).toBe(503)
      expect(await replica.metric(failures(resource))).toBeGreaterThan(0)
    },
  )
})
