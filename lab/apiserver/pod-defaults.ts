/**
 * What the API server itself puts into a new pod, as far as an injector or a kubelet of the lab can tell the
 * difference.
 */
import { randomBytes } from 'node:crypto'
import type { Container, Pod } from './objects.ts'

export const tokenDirectory = '/var/run/secrets/kubernetes.io/serviceaccount'

/** Defaults of the API's types; these hold again after every patch. */
export function withDefaults(pod: Pod): Pod {
  const spec = pod.spec ?? {}
  const container = (item: Container): Container => ({
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: 'IfNotPresent',
    resources: {},
    ...item,
  })
  return {
    ...pod,
    spec: {
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      schedulerName: 'default-scheduler',
      enableServiceLinks: true,
      securityContext: {},
      ...spec,
      containers: (spec.containers ?? []).map(container),
      ...(spec.initContainers === undefined ? {} : { initContainers: spec.initContainers.map(container) }),
    },
    status: { phase: 'Pending', qosClass: 'BestEffort', ...pod.status },
  }
}

/**
 * The ServiceAccount admission plugin: the account's name, and its token mounted into every container that mounts
 * nothing there itself. The real server runs it before the webhooks and again after one has changed the pod, so that
 * an injected container gets its token too (plugin/pkg/admission/serviceaccount).
 */
export function withServiceAccount(pod: Pod): Pod {
  const spec = { ...pod.spec }
  spec.serviceAccountName ??= 'default'
  spec['serviceAccount'] ??= spec.serviceAccountName
  if (spec.automountServiceAccountToken === false) return { ...pod, spec }
  const existing = spec.volumes?.find(({ name }) => name.startsWith('kube-api-access-'))
  const name = existing?.name ?? `kube-api-access-${randomSuffix()}`
  let used = false
  const mount = (container: Container): Container => {
    const mounts = container.volumeMounts ?? []
    if (mounts.some(({ mountPath }) => mountPath === tokenDirectory)) return container
    used = true
    return { ...container, volumeMounts: [...mounts, { name, readOnly: true, mountPath: tokenDirectory }] }
  }
  spec.containers = (spec.containers ?? []).map(mount)
  if (spec.initContainers !== undefined) spec.initContainers = spec.initContainers.map(mount)
  if (used && existing === undefined) spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)]
  return { ...pod, spec }
}

function tokenVolume(name: string): { name: string; projected: unknown } {
  return {
    name,
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
    },
  }
}

/** Five characters without vowels or look-alikes, as k8s.io/apimachinery/pkg/util/rand has them. */
export function randomSuffix(): string {
  const alphabet = 'bcdfghjklmnpqrstvwxz2456789'
  return Array.from(randomBytes(5), (byte) => alphabet[byte % alphabet.length]).join('')
}
