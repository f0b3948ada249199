import { X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createAuthority } from '../../../lab/certificates.ts'

describe('certificates of the lab', () => {
  const authority = createAuthority('lab-ca')
  const ca = new X509Certificate(authority.certificate)

  it('given an authority, then it is one, and signs itself', () => {
    expect(ca.ca).toBe(true)
    expect(ca.subject).toBe('CN=lab-ca')
    expect(ca.verify(ca.publicKey)).toBe(true)
  })

  it('given a leaf, then it carries its names and its authority vouches for it', () => {
    const names = ['127.0.0.1', '::1', 'fd00:0:0:1::a', 'hook.system.svc']
    const pair = authority.issue({ commonName: 'hook', names })
    const leaf = new X509Certificate(pair.certificate)
    expect(leaf.verify(ca.publicKey)).toBe(true)
    expect(leaf.checkIssued(ca)).toBe(true)
    expect(leaf.ca).toBe(false)
    for (const address of names.slice(0, 3)) expect(leaf.checkIP(address)).toBe(address)
    expect(leaf.checkHost('hook.system.svc')).toBe('hook.system.svc')
    expect(leaf.checkHost('other.system.svc')).toBeUndefined()
    expect(new X509Certificate(authority.issue({ commonName: 'hook', names }).certificate).serialNumber).not.toBe(
      leaf.serialNumber,
    )
  })

  it('given times, on either side of 2050, then the leaf is valid between them', () => {
    const notBefore = new Date('2026-01-02T03:04:05Z')
    const notAfter = new Date('2055-01-02T03:04:05Z')
    const leaf = new X509Certificate(
      authority.issue({ commonName: 'a', names: ['a'], notBefore, notAfter }).certificate,
    )
    expect([leaf.validFromDate, leaf.validToDate]).toEqual([notBefore, notAfter])
  })
})
