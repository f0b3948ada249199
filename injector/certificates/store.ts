/** Secret, Lease and webhook configuration in the cluster: reads, conditional writes, watches. */
import { type KubeConfig, Watch } from '@kubernetes/client-node'
import { watchOnce } from '../cluster/api.ts'
import type { ListWatchSource } from '../cluster/list-watch.ts'
import { ApiError, createRequests } from '../cluster/request.ts'
import { eventOf } from '../cluster/source.ts'
import { elementsAt, type Json, textAt } from '../json.ts'
import type { LeaseApi } from '../lease/hold.ts'
import { bundlePatch, leasePatch, leaseRecord, type Names, secretPatch, storeName, versionOf } from './objects.ts'
import type { CertificateState } from './state.ts'

export type StoredResource = 'secrets' | 'leases' | 'mutatingwebhookconfigurations'

export interface CertificateStore {
  readSecret(): Promise<Json>
  /** @param read what it was made from: refused where the Secret is no longer that */
  writeSecret(read: Json, state: CertificateState): Promise<void>
  readConfiguration(): Promise<Json>
  writeBundle(read: Json, bundle: string): Promise<void>
  readonly lease: LeaseApi
  readonly secretChanges: ListWatchSource<Json>
  readonly configurationChanges: ListWatchSource<Json>
  close(): void
}

/** Which object a call was about, and what right it needs. */
export class StoreError extends Error {
  readonly resource: StoredResource
  /** Undefined where the API server was not reached. */
  readonly status: number | undefined
  /** Ends the sentence "needs: ...". */
  readonly rule: string

  constructor(resource: StoredResource, rule: string, cause: unknown) {
    super(cause instanceof Error ? (cause.message.split('\n', 1)[0] ?? '') : String(cause), { cause })
    this.name = 'StoreError'
    this.resource = resource
    this.status = cause instanceof ApiError ? cause.status : undefined
    this.rule = rule
  }
}

/** Somebody else has written meanwhile: read again. */
export const isConflict = (error: unknown): boolean => error instanceof StoreError && error.status === 409

export const isMissing = (error: unknown): boolean => error instanceof StoreError && error.status === 404

export function createStore(kubeConfig: KubeConfig, names: Names): CertificateStore {
  const requests = createRequests(kubeConfig)
  const store = storeName(names)
  const place = `in the namespace ${names.namespace}`
  const secret = objectAccess(kubeConfig, requests, {
    resource: 'secrets',
    folder: `/api/v1/namespaces/${names.namespace}/secrets`,
    name: store,
    rule: (verb) => `${verb} secrets named ${store} ${place}`,
  })
  const lease = objectAccess(kubeConfig, requests, {
    resource: 'leases',
    folder: `/apis/coordination.k8s.io/v1/namespaces/${names.namespace}/leases`,
    name: store,
    rule: (verb) => `${verb} leases (coordination.k8s.io) named ${store} ${place}`,
  })
  const configuration = objectAccess(kubeConfig, requests, {
    resource: 'mutatingwebhookconfigurations',
    folder: '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
    name: names.webhook,
    rule: (verb) => `${verb} mutatingwebhookconfigurations (admissionregistration.k8s.io) named ${names.webhook}`,
  })
  let readLease: Json = null
  return {
    readSecret: secret.read,
    writeSecret: (read, state) => secret.patch('application/merge-patch+json', secretPatch(versionOf(read), state)),
    readConfiguration: configuration.read,
    writeBundle: (read, bundle) =>
      configuration.patch('application/json-patch+json', bundlePatch(versionOf(read), read, bundle)),
    lease: {
      async read() {
        readLease = await lease.read()
        return leaseRecord(readLease)
      },
      write: (holder, durationMs) =>
        lease.patch('application/merge-patch+json', leasePatch(readLease, holder, durationMs, new Date())),
    },
    secretChanges: secret.changes,
    configurationChanges: configuration.changes,
    close: () => requests.close(),
  }
}

interface ObjectPlace {
  readonly resource: StoredResource
  readonly folder: string
  readonly name: string
  readonly rule: (verb: string) => string
}

function objectAccess(kubeConfig: KubeConfig, requests: ReturnType<typeof createRequests>, place: ObjectPlace) {
  const { resource, folder, name, rule } = place
  const path = `${folder}/${name}`
  const call = async <T>(verb: string, work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (error) {
      throw new StoreError(resource, rule(verb), error)
    }
  }
  // RBAC by name lets lists and watches through that select just this name (RequestInfo, apiserver/pkg/endpoints/request).
  const fieldSelector = `metadata.name=${name}`
  const changes: ListWatchSource<Json> = {
    async list() {
      const query = new URLSearchParams({ fieldSelector })
      const listing = await call('list', requests.get(`${folder}?${query}`))
      return {
        items: elementsAt(listing, 'items'),
        resourceVersion: textAt(listing, 'metadata', 'resourceVersion') ?? '',
      }
    },
    watch: (resourceVersion, onEvent, signal) =>
      call(
        'watch',
        watchOnce(
          new Watch(kubeConfig),
          folder,
          { resourceVersion, fieldSelector },
          (type, object) => onEvent(eventOf(type, object, (json) => json)),
          signal,
        ),
      ),
  }
  return {
    changes,
    read: () => call('get', requests.get(path)),
    patch: async (type: 'application/merge-patch+json' | 'application/json-patch+json', body: Json): Promise<void> =>
      void (await call('patch', requests.patch(path, type, body))),
  }
}
