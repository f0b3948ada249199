/**
 * A cluster in memory, as far as certificates go: one Secret, one webhook configuration, and replicas that are led by
 * hand, one call to the API server at a time, each with a clock of its own. All of them lead at once, which is worse
 * than any Lease allows.
 */
import { X509Certificate } from 'node:crypto'
import { certificatesIn } from '../../../../injector/certificates/bundle.ts'
import { nextState } from '../../../../injector/certificates/carry-out.ts'
import {
  type CertificateAction,
  type CertificateLives,
  endOf,
  planCertificates,
} from '../../../../injector/certificates/plan.ts'
import { createPublicationClock, type PublicationClock } from '../../../../injector/certificates/publication-clock.ts'
import { chooseServing, type Serving } from '../../../../injector/certificates/serve.ts'
import {
  type CertificateState,
  readState,
  type SecretData,
  writeState,
} from '../../../../injector/certificates/state.ts'

export const lives: CertificateLives = { leafMs: 60_000, authorityMs: 240_000 }
export const names = ['vxtap.vxtap.svc', 'vxtap.vxtap.svc.cluster.local']

interface Versioned<T> {
  readonly version: number
  readonly content: T
}

export class World {
  now = Date.parse('2026-03-01T00:00:00Z')
  secret: Versioned<SecretData> = { version: 1, content: {} }
  webhooks: Versioned<readonly string[]> = { version: 1, content: ['', ''] }
  readonly replicas: Replica[] = []
  /** What the Secret was written for last. */
  reason: CertificateAction['kind'] | undefined
  #read: Versioned<CertificateState | undefined> | undefined

  replica(skewMs = 0): Replica {
    const replica = new Replica(this, skewMs)
    this.replicas.push(replica)
    return replica
  }

  /** False where the object is no longer what was read, as a conflict. */
  writeSecret(version: number, state: CertificateState): boolean {
    if (version !== this.secret.version) return false
    const patch = Object.entries({ ...this.secret.content, ...writeState(state) })
    const content = Object.fromEntries(patch.flatMap(([key, value]) => (value === null ? [] : [[key, value]])))
    this.secret = { version: version + 1, content }
    return true
  }

  writeBundles(version: number, bundles: readonly string[]): boolean {
    if (version !== this.webhooks.version) return false
    this.webhooks = { version: version + 1, content: bundles }
    return true
  }

  get state(): CertificateState | undefined {
    if (this.#read?.version !== this.secret.version) {
      this.#read = { version: this.secret.version, content: readState(this.secret.content) }
    }
    return this.#read.content
  }

  /**
   * Whether a replica that starts now would have to wait for a publication, although the Secret had a certificate that
   * was trusted: only who begins anew may bring that about.
   */
  strandsNewcomers(): boolean {
    const { state, reason } = this
    if (state === undefined || reason === 'begin' || endOf(state.leaf.certificate) <= this.now) return false
    return !this.webhooks.content.every((bundle) => verifies(bundle, state.leaf.certificate))
  }

  /** Replicas that serve with a certificate which is valid, and which the API server would not take. */
  distrusted(): Replica[] {
    return this.replicas.filter(({ serving }) => {
      if (serving === undefined || endOf(serving.leaf.certificate) <= this.now) return false
      return !this.webhooks.content.every((bundle) => verifies(bundle, serving.leaf.certificate))
    })
  }
}

const verdicts = new Map<string, boolean>()

/** As a TLS client does it: any authority in the bundle that has signed the leaf. */
export function verifies(bundle: string, leaf: string): boolean {
  const question = bundle + leaf
  const verdict = verdicts.get(question) ?? signedByOneOf(bundle, leaf)
  verdicts.set(question, verdict)
  return verdict
}

function signedByOneOf(bundle: string, leaf: string): boolean {
  const certificate = new X509Certificate(leaf)
  return certificatesIn(bundle).some((pem) => {
    const authority = new X509Certificate(pem)
    return certificate.checkIssued(authority) && certificate.verify(authority.publicKey)
  })
}

export class Replica {
  serving: Serving | undefined
  readonly #world: World
  readonly #skewMs: number
  #state: CertificateState | undefined
  #followed: PublicationClock
  #read: PublicationClock
  #webhooks: Versioned<readonly string[]> | undefined
  #secret: Versioned<SecretData> | undefined
  #secretState: CertificateState | undefined
  #actions: CertificateAction[] = []
  readonly done: string[] = []

  constructor(world: World, skewMs: number) {
    this.#world = world
    this.#skewMs = skewMs
    this.#followed = createPublicationClock(() => world.now)
    this.#read = createPublicationClock(() => world.now)
  }

  get now(): number {
    return this.#world.now + this.#skewMs
  }

  /** What its watches tell, whenever they do. */
  follow(what: 'secret' | 'webhooks' | 'nothing'): void {
    if (what === 'secret') this.#state = this.#world.state
    if (what === 'webhooks') this.#followed.see(this.#world.webhooks.content)
    this.serving = chooseServing(this.now, this.serving, this.#state, this.#followed.last(), lives)
  }

  /** One call to the API server of the leader's work. */
  async step(): Promise<void> {
    const action = this.#actions.shift()
    if (action !== undefined) return this.#perform(action)
    if (this.#webhooks === undefined) {
      this.#webhooks = this.#world.webhooks
      return
    }
    this.#secret = this.#world.secret
    this.#secretState = this.#world.state
    const { state } = this.#world
    const published = this.#read.see(this.#webhooks.content)
    this.#actions = [...planCertificates(this.now, state, published, lives, names)]
    if (this.#actions.length === 0) this.#webhooks = undefined
  }

  /** All that it had in memory is gone. */
  restart(): void {
    this.#forget()
    this.serving = undefined
    this.#state = undefined
    this.#followed = createPublicationClock(() => this.#world.now)
    this.#read = createPublicationClock(() => this.#world.now)
  }

  async #perform(action: CertificateAction): Promise<void> {
    const [webhooks, secret] = [this.#webhooks!, this.#secret!]
    const state = this.#secretState
    const written =
      action.kind === 'publish'
        ? this.#world.writeBundles(
            webhooks.version,
            webhooks.content.map(() => action.bundle),
          )
        : this.#world.writeSecret(secret.version, await nextState(action, state, this.now, lives, names))
    if (written && action.kind !== 'publish') this.#world.reason = action.kind
    if (written) this.done.push(action.kind)
    if (!written || this.#actions.length === 0) this.#forget()
  }

  #forget(): void {
    this.#webhooks = undefined
    this.#actions = []
  }
}
