/** Makes the Secret's next content out of an action: the one place where keys come into being. */
import { type CertificateAction, type CertificateLives, clockSkewMs, endOf } from './plan.ts'
import type { CertificateState } from './state.ts'
import type { PemPair } from './x509.ts'

export type SecretAction = Exclude<CertificateAction, { readonly kind: 'publish' }>

/** @throws where the state lacks what the action is about, which the plan excludes */
export async function nextState(
  action: SecretAction,
  state: CertificateState | undefined,
  now: number,
  lives: CertificateLives,
  names: readonly string[],
): Promise<CertificateState> {
  // Only the leader needs it, and it is the largest part of the injector beside the Kubernetes client.
  const { writeAuthority, writeLeaf } = await import('./x509.ts')
  const notBefore = new Date(now - clockSkewMs)
  const newAuthority = (): Promise<PemPair> =>
    writeAuthority({ commonName: authorityName(now), notBefore, notAfter: new Date(now + lives.authorityMs) })
  const newLeaf = (authority: PemPair): Promise<PemPair> => {
    const notAfter = new Date(Math.min(now + lives.leafMs, endOf(authority.certificate)))
    return writeLeaf(authority, { commonName: names[0] ?? '', names, notBefore, notAfter })
  }

  if (action.kind === 'begin') {
    const authority = await newAuthority()
    const leaf = await newLeaf(authority)
    return { authority, leaf, ...(action.former ? { former: action.former } : {}) }
  }
  if (state === undefined) throw new Error(`there is no state to ${action.kind}`)
  switch (action.kind) {
    case 'add-next-authority':
      return { ...state, next: await newAuthority() }
    case 'promote-next-authority': {
      const authority = state.next
      if (authority === undefined) throw new Error('there is no next authority to promote')
      return { authority, leaf: await newLeaf(authority), former: action.former }
    }
    case 'renew-leaf':
      return { ...state, leaf: await newLeaf(state.authority) }
    case 'drop-former-authorities': {
      const { former: _gone, ...rest } = state
      return rest
    }
  }
}

/** Another name for each: a verifier that looks for the issuer by its name then finds the right one at once. */
const authorityName = (now: number): string => `vxtap webhook ${new Date(now).toISOString()}`
