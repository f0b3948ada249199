import { describe, expect, it } from 'vitest'
import type { Sample } from '../../../bench/results.ts'
import { verdicts } from '../../../bench/verdict.ts'
import { cell, results } from './samples.ts'

const key = 'udp-512-max/spare'
const cpu = (seconds: number): Partial<Sample> => ({ tapCpuSeconds: seconds })
const verdict = (what: RegExp, ...cells: ReturnType<typeof cell>[]) =>
  verdicts(results(...cells)).find((one) => what.test(one.what))

describe('a bar', () => {
  it('is neither met nor missed where the run has nothing for it', () => {
    for (const one of verdicts(results())) expect(one).toMatchObject({ met: undefined, value: 'not run' })
  })

  it.each([
    [0.00017, true],
    [0.00018, false],
  ])('of CPU is a ratio to libpcap: %d s beside 0.001 s is met: %s', (seconds, met) => {
    const found = verdict(
      /^gso, UDP 512 B: CPU/,
      cell('libpcap', key, cpu(0.001)),
      cell('vxtap-gso', key, cpu(seconds)),
    )
    expect(found).toMatchObject({ met, bar: 'at most 0.17' })
  })

  it('of CPU takes the median of three runs', () => {
    const plain = cell('libpcap', key, cpu(0.001), cpu(0.001), cpu(0.001))
    const found = verdict(/^mmsg, UDP 512 B/, plain, cell('vxtap-mmsg', key, cpu(0.0009), cpu(0.0008), cpu(0.005)))
    expect(found).toMatchObject({ met: true, value: '0.90, mirrored 100.0 % beside 100.0 %' })
  })

  it('of CPU says beside the ratio what share each mirrored in its worst run', () => {
    const plain = cell('libpcap', key, { share: 0.5 }, { share: 0.25 })
    const found = verdict(/^mmsg, UDP 512 B/, plain, cell('vxtap-mmsg', key, { share: 1 }, { share: 0.75 }))
    expect(found?.value).toMatch(/, mirrored 75\.0 % beside 25\.0 %$/)
  })

  it('of CPU is missed where libpcap mirrored nothing in a run, beside which anything would be free', () => {
    const plain = cell('libpcap', key, {}, { share: 0 }, {})
    const found = verdict(/^gso, UDP 512 B: CPU/, plain, cell('vxtap-gso', key, cpu(0), cpu(0), cpu(0)))
    expect(found).toMatchObject({ met: false, value: 'could not be measured' })
  })

  it('is missed, and not hidden, where what it needs could not be measured', () => {
    const failed = { ...results(cell('libpcap', key, {})), failures: [`vxtap-gso ${key}, run 1: it ended`] }
    const missed = verdicts(failed).filter(({ met }) => met === false)
    expect(missed.map(({ what }) => what)).toEqual([
      'gso, UDP 512 B: CPU a frame, as a ratio to libpcap + sendto',
      "gso, UDP 512 B at the generator's maximum: mirrored",
    ])
    for (const { value } of missed) expect(value).toBe('could not be measured')
  })

  it.each([
    [72, true],
    [73, false],
  ])('of memory takes the load under which it is most: %d MB there is met: %s', (most, met) => {
    const little = cell('vxtap-gso', 'udp-64-max/spare', { residentMb: 40 })
    const much = [most, 20, 90].map((residentMb) => ({ residentMb }))
    expect(verdict(/resident memory/, little, cell('vxtap-gso', 'http/spare', ...much))).toMatchObject({
      met,
      value: `${most} MB`,
    })
  })

  it('of checksums is missed where none arrived to be looked at', () => {
    const nothing = cell('vxtap-gso', 'tcp/spare', { checked: 0, good: 0, share: 0 })
    expect(verdict(/room for the tunnel: inner checksums/, nothing)).toMatchObject({ met: false })
  })

  it('of loss is held to in the worst run', () => {
    const kept = cell('vxtap-gso', key, { share: 1 }, { share: 0.9996 })
    const lossy = cell('vxtap-gso', key, { share: 1 }, { share: 0.9994 }, { share: 1 })
    expect(verdict(/^gso, UDP 512 B at .* mirrored/, kept)).toMatchObject({ met: true, value: '100.0 %' })
    expect(verdict(/^gso, UDP 512 B at .* mirrored/, lossy)).toMatchObject({ met: false, value: '99.9 %' })
  })

  it.each([
    ['udp-512-max/spare', /^gso, UDP 512 B at .* mirrored/, 20],
    ['http/quota', /HTTP on shared cores: mirrored/, 100],
  ])('of loss at %s is missed where a buffer hides more than the tap may be behind', (where, what, most) => {
    const one = (backlog: number) => verdict(what, cell('vxtap-gso', where, { backlog: 0 }, { backlog }))
    expect(one(most)).toMatchObject({ met: true, value: '100.0 %' })
    expect(one(most + 1)).toMatchObject({ met: false, value: `100.0 %, ${most + 1} frames late` })
  })

  it.each([
    [{ captured: 1000, sent: 1000, dropped: 0 }, true, '100.0 %'],
    [{ captured: 1000, sent: 997, dropped: 3 }, false, '100.0 %, 3 dropped by its own count'],
    [{ captured: 1000, sent: 999, dropped: 0 }, false, '100.0 %, captured 1000, sent 999'],
  ])('of loss takes the tap at its word, as surplus in the share may pay for loss: %j', (own, met, value) => {
    const found = verdict(/^gso, TCP bulk, room .* mirrored/, cell('vxtap-gso', 'tcp/spare', { own: { ...own } }, {}))
    expect(found).toMatchObject({ met, value })
  })

  it('of checksums misses with a single wrong one', () => {
    const wrong = cell('vxtap-gso', 'tcp/spare', { checked: 100, good: 100 }, { checked: 100, good: 99 })
    expect(verdict(/room for the tunnel: inner checksums/, wrong)).toMatchObject({ met: false, value: '199 of 200' })
  })

  it('of the application compares with no tap on a spare core, and with libpcap on shared ones', () => {
    const none = cell('none', 'http/spare', { rate: 100, p99Ms: 1 })
    const own = cell('vxtap-gso', 'http/spare', { rate: 92, p99Ms: 1.2 })
    expect(verdict(/spare core, HTTP: requests/, none, own)).toMatchObject({ met: true, value: '0.92' })
    expect(verdict(/spare core, HTTP: p99/, none, own)).toMatchObject({ met: false, value: '1.20' })
    const shared = [cell('libpcap', 'http/shared', { rate: 20 }), cell('vxtap-gso', 'http/shared', { rate: 29 })]
    expect(verdict(/shared cores, HTTP: requests/, ...shared)).toMatchObject({ met: false, value: '1.45' })
  })
})
