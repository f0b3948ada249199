import { X509Certificate } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { certificatesIn } from '../../../../injector/certificates/bundle.ts'
import { nextState } from '../../../../injector/certificates/carry-out.ts'
import { nextLook, type Published, planCertificates } from '../../../../injector/certificates/plan.ts'
import { chooseServing } from '../../../../injector/certificates/serve.ts'
import { type CertificateState, desiredBundle, readState, writeState } from '../../../../injector/certificates/state.ts'
import { selfSigned } from './self-signed.ts'
import { lives, names, verifies } from './world.ts'

const start = Date.parse('2026-03-01T00:00:00Z')
const { leafMs, authorityMs } = lives

const present = (data: Readonly<Record<string, string | null>>): Record<string, string> =>
  Object.fromEntries(Object.entries(data).flatMap(([key, value]) => (value === null ? [] : [[key, value]])))

describe('the plan for certificates', () => {
  let state: CertificateState
  beforeEach(async () => {
    state = await nextState({ kind: 'begin', former: undefined }, undefined, start, lives, names)
  })

  const published = (bundle: string, ageMs = 3_600_000, bundles = [bundle, bundle]): Published => ({
    bundles,
    ages: new Map(certificatesIn(bundle).map((one) => [one, ageMs])),
  })
  const planned = (now: number, given: CertificateState | undefined, bundles: Published, wanted = names) =>
    planCertificates(now, given, bundles, lives, wanted).map(({ kind }) => kind)
  const right = () => published(desiredBundle(state))

  it('given a Secret without content, then begins', () => {
    expect(planned(start, readState({}), published(''))).toEqual(['begin'])
  })

  it.each([
    [
      'a key that is not the certificate’s',
      async () => ({ ...state, leaf: { ...state.leaf, key: state.authority.key } }),
    ],
    [
      'a certificate of another authority',
      async () => {
        const other = await nextState({ kind: 'begin', former: undefined }, undefined, start, lives, names)
        return { ...state, leaf: other.leaf }
      },
    ],
    ['what is no certificate', async () => ({ ...state, authority: { certificate: 'x', key: 'y' } })],
  ])('given a Secret with %s, then begins anew, and keeps what is published', async (_what, damage) => {
    const data = present(writeState(await damage()))
    expect(planCertificates(start, readState(data), right(), lives, names)).toEqual([
      { kind: 'begin', former: { certificates: [state.authority.certificate], until: start + leafMs } },
    ])
  })

  it.each([
    ['without its last newline', (text: string) => text.trimEnd()],
    ['with CRLF', (text: string) => text.replaceAll('\n', '\r\n')],
  ])('given certificates that somebody put back %s, then they are what they were', (_what, change) => {
    const put = Object.entries(present(writeState(state))).map(([key, value]) => {
      const text = Buffer.from(value, 'base64').toString()
      return [key, Buffer.from(key.endsWith('.crt') ? change(text) : text).toString('base64')]
    })
    const read = readState(Object.fromEntries(put))
    expect(read).toEqual(state)
    expect(planned(start, read, right())).toEqual([])
  })

  it('given a Secret with keys of another kind than ours, then begins anew', async () => {
    const ours = await selfSigned('P-256', true, start)
    expect(readState(present(writeState({ authority: ours, leaf: ours })))).toBeDefined()
    const other = await selfSigned('P-384', true, start)
    const read = readState(present(writeState({ authority: other, leaf: other })))
    expect(planned(start, read, right())).toEqual(['begin'])
  })

  it('given a published certificate that signed itself and is no authority, then keeps it too', async () => {
    const { certificate } = await selfSigned('P-256', false, start)
    expect(planCertificates(start, undefined, published(certificate), lives, names)).toEqual([
      { kind: 'begin', former: { certificates: [certificate], until: start + leafMs } },
    ])
  })

  it('given all in order, then nothing, until half of the certificate’s life', () => {
    expect(planned(start, state, right())).toEqual([])
    expect(planned(start + leafMs / 2 - 1000, state, right())).toEqual([])
    expect(planned(start + leafMs / 2, state, right())).toEqual(['renew-leaf'])
    expect(nextLook(start, state, lives)).toBe(start + leafMs / 2)
  })

  it.each([
    ['empty', () => ['', desiredBundle(state)]],
    ['somebody else’s', () => [desiredBundle(state), 'nonsense']],
  ])('given a caBundle that is %s in one webhook, then publishes', (_what, bundles) => {
    const drifted = published('', 0, bundles())
    expect(planCertificates(start, state, drifted, lives, names)).toEqual([
      { kind: 'publish', bundle: desiredBundle(state) },
    ])
  })

  it('given another name of the Service, then signs a certificate for it', () => {
    expect(planned(start, state, right(), ['other.vxtap.svc'])).toEqual(['renew-leaf'])
  })

  it('given a life that was made much shorter, then does not wait for the old one’s end', async () => {
    const long = { leafMs: 30 * 86_400_000, authorityMs: 365 * 86_400_000 }
    const longer = await nextState({ kind: 'begin', former: undefined }, undefined, start, long, names)
    expect(planned(start, longer, published(desiredBundle(longer)))).toEqual(['add-next-authority'])
    const other = { ...longer, authority: longer.authority }
    const day = { leafMs: 86_400_000, authorityMs: long.authorityMs }
    const plan = planCertificates(start, other, published(desiredBundle(other)), day, names)
    expect(plan).toEqual([{ kind: 'renew-leaf' }])
  })

  it('given no webhook configuration, then makes what is due, and promotes nothing that nobody could trust', async () => {
    const none = published('', 0, [])
    const half = start + authorityMs / 2
    const renewed = await nextState({ kind: 'renew-leaf' }, state, half, lives, names)
    expect(planned(half, renewed, none)).toEqual(['add-next-authority'])
    const added = await nextState({ kind: 'add-next-authority' }, renewed, half, lives, names)
    expect(planned(half, added, none)).toEqual([])
  })

  describe('when the authority has lived half of its life', () => {
    const half = start + authorityMs / 2
    beforeEach(async () => {
      state = await nextState({ kind: 'renew-leaf' }, state, half - 1000, lives, names)
    })
    const steps = async () => {
      const added = await nextState({ kind: 'add-next-authority' }, state, half, lives, names)
      return { added, bundle: desiredBundle(added) }
    }

    it('then a next one is written, published, and promoted when the API servers have had time', async () => {
      expect(planned(half, state, right())).toEqual(['add-next-authority'])
      const { added, bundle } = await steps()
      expect(added.leaf).toEqual(state.leaf)
      expect(planned(half, added, right())).toEqual(['publish'])
      expect(planned(half, added, published(bundle, 5999))).toEqual([])
      expect(planned(half, added, published(bundle, 6000))).toEqual(['promote-next-authority'])
    })

    it('then the former one stays trusted until its last certificate has ended, an hour of wrong clocks apart', async () => {
      const { added, bundle } = await steps()
      const [action] = planCertificates(half, added, published(bundle), lives, names)
      if (action?.kind !== 'promote-next-authority') throw new Error('nothing is promoted')
      const promoted = await nextState(action, added, half, lives, names)
      expect(verifies(desiredBundle(promoted), state.leaf.certificate)).toBe(true)
      expect(verifies(promoted.authority.certificate, promoted.leaf.certificate)).toBe(true)
      expect(writeState(promoted)).toMatchObject({ 'next-ca.key': null, 'next-ca.crt': null })
      expect(JSON.stringify(writeState(promoted))).not.toContain(Buffer.from(state.authority.key).toString('base64'))
      const end = new X509Certificate(state.leaf.certificate).validToDate.getTime()
      const later = await nextState({ kind: 'renew-leaf' }, promoted, end + leafMs, lives, names)
      const trusted = published(desiredBundle(later))
      expect(planned(end + leafMs - 1, later, trusted)).toEqual([])
      expect(planned(end + leafMs, later, trusted)).toEqual(['drop-former-authorities'])
      const dropped = await nextState({ kind: 'drop-former-authorities' }, later, end + leafMs, lives, names)
      expect(desiredBundle(dropped)).toBe(promoted.authority.certificate)
    })
  })

  describe('what a replica serves', () => {
    const chosen = (
      current: CertificateState | undefined,
      offered: CertificateState,
      bundles: Published,
      now = start,
    ) => {
      const serving = current && { leaf: current.leaf, authority: current.authority.certificate }
      return chooseServing(now, serving, offered, bundles, lives)?.leaf
    }

    it('given nothing yet, is what the API server trusts, at once, and nothing else', () => {
      expect(chosen(undefined, state, published('', 0))).toBeUndefined()
      expect(chosen(undefined, state, published(desiredBundle(state), 0))).toEqual(state.leaf)
    })

    it('given one that begins later, by somebody’s wrong clock, changes only when it is valid', async () => {
      const ahead = start + 2 * 3_600_000
      const other = await nextState({ kind: 'renew-leaf' }, state, ahead, lives, names)
      expect(chosen(state, other, right())).toEqual(state.leaf)
      expect(chosen(undefined, other, right())).toEqual(other.leaf)
      expect(chosen(state, other, right(), ahead - 3_600_000)).toEqual(other.leaf)
    })

    it('given a certificate of another authority, changes only when that one has been published for a while', async () => {
      const other = await nextState({ kind: 'begin', former: undefined }, undefined, start, lives, names)
      const both = desiredBundle(state) + desiredBundle(other)
      expect(chosen(state, other, right())).toEqual(state.leaf)
      expect(chosen(state, other, published(both, 5999))).toEqual(state.leaf)
      expect(chosen(state, other, published(both, 6000))).toEqual(other.leaf)
      expect(chosen(state, other, published(both, 0), start + leafMs)).toEqual(other.leaf)
    })
  })
})
