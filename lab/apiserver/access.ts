/** Who may do what: bearer tokens of service accounts, and role-based access control in the small. */
import { randomBytes } from 'node:crypto'
import type { Resource } from './objects.ts'
import type { Verb } from './route.ts'

/** `namespace/name`, or `namespace/*` for every service account of a namespace (the group that a RoleBinding names). */
export type ServiceAccount = `${string}/${string}`

export interface Grant {
  readonly serviceAccount: ServiceAccount
  /** Where it holds; `*` is a ClusterRoleBinding. */
  readonly namespace: string
  readonly verbs: readonly (Verb | '*')[]
  /** Plural, `pods/status` for a subresource, `*` for all. */
  readonly resource: string
  /** Of the objects that it is limited to (resourceNames); a list or a watch must then select one of them by its name. */
  readonly names?: readonly string[]
}

export interface User {
  readonly username: string
  readonly groups: readonly string[]
  readonly serviceAccount: ServiceAccount | undefined
}

interface Token {
  readonly serviceAccount: ServiceAccount
  readonly expiresAt: number
}

const admin: User = {
  username: 'lab-admin',
  groups: ['system:masters', 'system:authenticated'],
  serviceAccount: undefined,
}

export class Access {
  /** May do everything. */
  readonly adminToken = `admin-${randomBytes(18).toString('base64url')}`
  readonly #tokens = new Map<string, Token>()
  readonly #grants = new Set<Grant>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  /** A new token, shaped as the real ones are (a JWT; its signature is noise). Earlier ones stay valid. */
  issueToken(serviceAccount: ServiceAccount, expiresInSeconds = 3607): string {
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const expiresAt = this.#now() + expiresInSeconds * 1000
    const claims = {
      sub: usernameOf(serviceAccount),
      exp: Math.floor(expiresAt / 1000),
      jti: randomBytes(8).toString('hex'),
    }
    const token = `${part({ alg: 'ES256', typ: 'JWT' })}.${part(claims)}.${randomBytes(64).toString('base64url')}`
    this.#tokens.set(token, { serviceAccount, expiresAt })
    return token
  }

  /** Makes every token of the account that was issued until now worthless. */
  expireTokens(serviceAccount: ServiceAccount): void {
    for (const [token, owner] of this.#tokens) if (owner.serviceAccount === serviceAccount) this.#tokens.delete(token)
  }

  /** @returns takes it back */
  grant(grant: Grant): () => void {
    this.#grants.add(grant)
    return () => this.#grants.delete(grant)
  }

  /** @returns undefined where the header names nobody */
  authenticate(authorization: string | undefined): User | undefined {
    const presented = /^Bearer\s+(\S+)$/i.exec(authorization ?? '')?.[1]
    if (presented === undefined) return undefined
    if (presented === this.adminToken) return admin
    const token = this.#tokens.get(presented)
    if (token === undefined || token.expiresAt <= this.#now()) return undefined
    const [namespace] = token.serviceAccount.split('/')
    return {
      username: usernameOf(token.serviceAccount),
      groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
      serviceAccount: token.serviceAccount,
    }
  }

  /** @param name of the one object that the request is about; empty for any */
  allows(user: User, verb: Verb, resource: Resource, subresource: string, namespace: string, name: string): boolean {
    if (user.serviceAccount === undefined) return true
    const everyone = `${user.serviceAccount.split('/')[0]}/*`
    const wanted = subresource === '' ? resource.plural : `${resource.plural}/${subresource}`
    return [...this.#grants].some(
      (grant) =>
        (grant.serviceAccount === user.serviceAccount || grant.serviceAccount === everyone) &&
        (grant.namespace === '*' || grant.namespace === namespace) &&
        (grant.resource === '*' || grant.resource === wanted) &&
        (grant.names === undefined || grant.names.includes(name)) &&
        (grant.verbs.includes('*') || grant.verbs.includes(verb)),
    )
  }
}

function usernameOf(serviceAccount: ServiceAccount): string {
  return `system:serviceaccount:${serviceAccount.replace('/', ':')}`
}
