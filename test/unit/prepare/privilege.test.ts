import { describe, expect, it } from 'vitest'
import { describePreparation } from '../../../contract/preparation-outcomes.ts'
import { type Circumstances, missingPrivilege } from '../../../prepare/privilege.ts'

const bits = { netAdmin: 1n << 12n, sysAdmin: 1n << 21n, bpf: 1n << 39n }
const initialNamespace = '         0          0 4294967295\n'

function given(capabilities: bigint, more: Partial<Circumstances> & { seccomp?: number } = {}): Circumstances {
  const { seccomp = 0, ...rest } = more
  const status = `Name:\tnode\nCapPrm:\t000001ffffffffff\nCapEff:\t${capabilities.toString(16).padStart(16, '0')}\nSeccomp:\t${seccomp}\nSeccomp_filters:\t1\n`
  return { status, uidMap: initialNamespace, release: '6.1.0-18-amd64', forbidden: false, ...rest }
}

const said = (circumstances: Circumstances): string | undefined => {
  const found = missingPrivilege(circumstances)
  return found === undefined ? undefined : describePreparation(found)
}

describe('why bpf(2) was refused', () => {
  it.each([
    [bits.netAdmin | bits.bpf, undefined],
    [bits.netAdmin | bits.sysAdmin, undefined],
    [bits.netAdmin, 'lacks the capability BPF:'],
    [bits.bpf, 'lacks the capability NET_ADMIN:'],
    [bits.sysAdmin, 'lacks the capability NET_ADMIN:'],
    [0n, 'lacks the capability NET_ADMIN and BPF:'],
  ])('given the capabilities %i on Linux 6.1', (capabilities, sentence) => {
    const text = said(given(capabilities))
    if (sentence === undefined) expect(text).toBeUndefined()
    else expect(text).toContain(sentence)
  })

  it.each(['5.7.19', '4.19.0-26-amd64'])('names SYS_ADMIN instead of BPF, given Linux %s', (release) => {
    expect(said(given(bits.netAdmin | bits.sysAdmin, { release }))).toBeUndefined()
    for (const capabilities of [bits.netAdmin, bits.netAdmin | bits.bpf]) {
      expect(said(given(capabilities, { release }))).toContain(
        `lacks the capability SYS_ADMIN: attaching an XDP program takes NET_ADMIN and SYS_ADMIN (Linux ${release} is older than 5.8 and has no capability BPF)`,
      )
    }
  })

  it.each(['5.8.0', '5.10.0-28-amd64', '10.0.1'])('asks for BPF, given Linux %s', (release) => {
    expect(said(given(bits.netAdmin | bits.bpf, { release }))).toBeUndefined()
  })

  it('is the user namespace, given capabilities that are of that namespace alone', () => {
    const uidMap = '         0     100000      65536\n'
    expect(said(given(bits.netAdmin | bits.bpf, { uidMap }))).toContain('(user_namespace)')
  })

  it('is the seccomp profile, or else a security module, given that even harmless calls are refused', () => {
    const all = bits.netAdmin | bits.bpf
    expect(said(given(all, { forbidden: true, seccomp: 2 }))).toContain('by its seccomp profile')
    expect(said(given(all, { forbidden: true }))).toContain('by a security module')
  })
})
