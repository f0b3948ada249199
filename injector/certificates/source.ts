/** Where the serving certificate comes from: files, or the injectors themselves. What both have in common. */
import type { Logger } from 'pino'
import type { InjectorMetrics } from '../metrics.ts'

export interface CertificatePair {
  /** PEM */
  readonly cert: Buffer
  /** PEM */
  readonly key: Buffer
  readonly expires: Date
  /** From its making to its end, milliseconds. */
  readonly lifeMs: number
}

/** Uses a certificate for new connections; those that are open live on with theirs. */
export type UseCertificate = (pair: CertificatePair) => void

export interface CertificateKeeper {
  /** Why there is no certificate that the API server would take; undefined where there is one. */
  problem(): string | undefined
  /** This replica is about to go: others shall take over what only one does. Certificates are followed until `stop`. */
  resign(): Promise<void>
  stop(): void
}

export type CertificateSource = (use: UseCertificate, log: Logger, metrics: InjectorMetrics) => CertificateKeeper
