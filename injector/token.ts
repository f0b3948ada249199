/**
 * How the sidecar gets the service account's token, with which it looks for its sensor.
 *
 * The API server's ServiceAccount plugin mounts the token into the containers that exist when it runs, which is before
 * the webhooks: an injected container must mount it by itself. It takes what its siblings have; where the pod has none
 * (automountServiceAccountToken: false) it gets a projected, short-lived token that no other container sees.
 */
import { at, elementsAt, isObject, type Json, type JsonObject, objectAt, textAt } from './json.ts'

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

/** The volume that another container mounts where tokens are looked for. A subPath there is somebody's own thing. */
function mountedTokenVolume(pod: JsonObject): string | undefined {
  const containers = [...elementsAt(pod, 'spec', 'containers'), ...elementsAt(pod, 'spec', 'initContainers')]
  const mounted = containers
    .flatMap((container) => elementsAt(container, 'volumeMounts'))
    .filter((mount) => textAt(mount, 'mountPath') === tokenPath && !textAt(mount, 'subPath'))
    .map((mount) => textAt(mount, 'name'))
  return textAt(
    elementsAt(pod, 'spec', 'volumes').find((volume) => mounted.includes(textAt(volume, 'name')) && opensApi(volume)),
    'name',
  )
}

/** The volume that the API server added, where no container mounts it. */
function projectedTokenVolume(pod: JsonObject): string | undefined {
  return textAt(elementsAt(pod, 'spec', 'volumes').find(isFromApiServer), 'name')
}

const isFromApiServer = (volume: Json): boolean => textAt(volume, 'name')?.startsWith('kube-api-access-') === true

/** Whether it holds a token for the API server, and the authority to know that server by. */
function opensApi(volume: Json): boolean {
  if (isFromApiServer(volume) || isObject(at(volume, 'secret'))) return true
  const sources = elementsAt(volume, 'projected', 'sources')
  const hasToken = sources
    .map((source) => objectAt(source, 'serviceAccountToken'))
    .some((token) => textAt(token, 'path') === 'token' && !textAt(token, 'audience'))
  const hasAuthority = sources
    .flatMap((source) => elementsAt(source, 'configMap', 'items'))
    .some((item) => textAt(item, 'path') === 'ca.crt')
  return hasToken && hasAuthority
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
