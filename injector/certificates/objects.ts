/** The three objects behind the certificates, read from the API's JSON and written as patches. Pure. */
import { at, elementsAt, type Json, type JsonObject, objectAt, textAt } from '../json.ts'
import type { LeaseRecord } from '../lease/decide.ts'
import { type CertificateState, type SecretData, writeState } from './state.ts'

export interface Names {
  readonly namespace: string
  /** Of the Service and of the MutatingWebhookConfiguration. */
  readonly webhook: string
}

/** Of the Secret and of the Lease. */
export const storeName = ({ webhook }: Names): string => `${webhook}-certificates`

/** DNS names that API servers call a Service by. */
export const servedNames = ({ webhook, namespace }: Names): readonly string[] => [
  `${webhook}.${namespace}.svc`,
  `${webhook}.${namespace}.svc.cluster.local`,
]

export const versionOf = (object: Json): string => textAt(object, 'metadata', 'resourceVersion') ?? ''

export function secretData(secret: Json): SecretData {
  const entries = Object.entries(objectAt(secret, 'data'))
  return Object.fromEntries(entries.flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : [])))
}

/** Keys of the Secret that are not ours stay. */
export const secretPatch = (version: string, state: CertificateState): JsonObject => ({
  metadata: { resourceVersion: version },
  data: writeState(state),
})

/** As PEM text, one for each webhook. */
export const bundlesOf = (configuration: Json): string[] =>
  elementsAt(configuration, 'webhooks').map((webhook) =>
    Buffer.from(textAt(webhook, 'clientConfig', 'caBundle') ?? '', 'base64').toString(),
  )

/** Touches nothing but `caBundle`. The version in it makes the API server refuse it where the object has changed. */
export function bundlePatch(version: string, configuration: Json, bundle: string): readonly JsonObject[] {
  const value = Buffer.from(bundle).toString('base64')
  const operations = elementsAt(configuration, 'webhooks').map((_webhook, index) => ({
    op: 'add',
    path: `/webhooks/${index}/clientConfig/caBundle`,
    value,
  }))
  return [{ op: 'replace', path: '/metadata/resourceVersion', value: version }, ...operations]
}

const oneSecond = 1000

export function leaseRecord(lease: Json): LeaseRecord {
  const seconds = at(lease, 'spec', 'leaseDurationSeconds')
  return {
    holder: textAt(lease, 'spec', 'holderIdentity') ?? '',
    durationMs: (typeof seconds === 'number' ? seconds : 0) * oneSecond,
    renewTime: textAt(lease, 'spec', 'renewTime') ?? '',
  }
}

/** @param holder empty to give it up */
export function leasePatch(lease: Json, holder: string, durationMs: number, now: Date): JsonObject {
  const time = microTime(now)
  const before = leaseRecord(lease)
  const transitions = at(lease, 'spec', 'leaseTransitions')
  const taken = holder !== '' && holder !== before.holder
  return {
    metadata: { resourceVersion: versionOf(lease) },
    spec: {
      holderIdentity: holder === '' ? null : holder,
      leaseDurationSeconds: Math.round(durationMs / oneSecond),
      renewTime: time,
      ...(taken
        ? { acquireTime: time, leaseTransitions: (typeof transitions === 'number' ? transitions : 0) + 1 }
        : {}),
    },
  }
}

/** metav1.MicroTime: always six digits. */
const microTime = (date: Date): string => date.toISOString().replace('Z', '000Z')
