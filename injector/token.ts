/**
 * How the sidecar gets the service account's token, with which it looks for its sensor.
 *
 * The API server's ServiceAccount plugin mounts the token into the containers that exist when it runs, which is before
 * the webhooks: an injected container must mount it by itself. It takes what its siblings have; where the pod has none
 * (automountServiceAccountToken: false) it gets a projected, short-lived token that no other container sees.
 */
import { elementsAt, isObject, type JsonObject, textAt } from './json.ts'

export const tokenVolumeName = 'vxtap-token'

// Where client libraries look, and where kubernetes/plugin/pkg/admission/serviceaccount mounts it.
const tokenPath = '/var/run/secrets/kubernetes.io/serviceaccount'

export interface TokenAccess {
  readonly mount: JsonObject
  /** A volume to add to the pod; absent where the pod has one already. */
  readonly volume?: JsonObject
}

export function tokenAccess(pod: JsonObject): TokenAccess {
  const existing = mountedTokenVolume(pod) ?? projectedTokenVolume(pod)
  if (existing !== undefined) return { mount: mountOf(existing) }
  return { mount: mountOf(tokenVolumeName), volume: tokenVolume }
}

const mountOf = (name: string): JsonObject => ({ name, mountPath: tokenPath, readOnly: true })

const volumeNames = (pod: JsonObject): (string | undefined)[] =>
  elementsAt(pod, 'spec', 'volumes').map((volume) => textAt(volume, 'name'))

/** The volume that another container mounts where tokens are looked for. A subPath there is somebody's own thing. */
function mountedTokenVolume(pod: JsonObject): string | undefined {
  const containers = [...elementsAt(pod, 'spec', 'containers'), ...elementsAt(pod, 'spec', 'initContainers')]
  const mount = containers
    .flatMap((container) => elementsAt(container, 'volumeMounts'))
    .find((candidate) => textAt(candidate, 'mountPath') === tokenPath && !textAt(candidate, 'subPath'))
  const name = textAt(mount, 'name')
  return name !== undefined && volumeNames(pod).includes(name) ? name : undefined
}

/** The volume that the API server added, where no container mounts it. */
function projectedTokenVolume(pod: JsonObject): string | undefined {
  const volume = elementsAt(pod, 'spec', 'volumes').find(
    (candidate) => isObject(candidate) && textAt(candidate, 'name')?.startsWith('kube-api-access-'),
  )
  return textAt(volume, 'name')
}

// The shape of the API server's own volume, TokenVolumeSource() in kubernetes/plugin/pkg/admission/serviceaccount.
const tokenVolume: JsonObject = {
  name: tokenVolumeName,
  projected: {
    defaultMode: 420,
    sources: [
      { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      {
        downwardAPI: {
          items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
        },
      },
    ],
  },
}
