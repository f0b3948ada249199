/** The embedded API server, as the kubelet and the scheduler of a lab see it. */
import type { V1Pod, V1PodStatus } from '@kubernetes/client-node'
import type { Pod, PodStatus } from '../apiserver/objects.ts'
import type { ApiServer } from '../apiserver/server.ts'
import type { PodApi } from './kubelet.ts'

/** @param host address at which pods reach the API server */
export function podApiOf(api: ApiServer, host = api.host): PodApi {
  const key = (pod: V1Pod) => [pod.metadata?.namespace ?? '', pod.metadata?.name ?? ''] as const
  return {
    address: { host, port: api.port },
    watchPods: (tell) => {
      for (const pod of api.pods.list()) tell(asClientPod(pod))
      return api.on('pods', ({ type, object }) => {
        if (type !== 'DELETED') tell(asClientPod(object))
      })
    },
    bind: (pod, nodeName) => void api.pods.bind(...key(pod), nodeName),
    setStatus: (pod, status) => void api.pods.setStatus(...key(pod), asStatus(status)),
    remove: (pod) => void api.pods.delete(...key(pod)),
    accountFiles: (pod) => {
      const namespace = pod.metadata?.namespace ?? 'default'
      const token = api.issueToken(`${namespace}/${pod.spec?.serviceAccountName ?? 'default'}`)
      return { token, namespace, 'ca.crt': api.ca }
    },
  }
}

/** Through JSON, as over the wire: the server's own types name only the fields that it looks at itself. */
function asClientPod(pod: Pod): V1Pod {
  return JSON.parse(JSON.stringify(pod)) as V1Pod
}

function asStatus(status: V1PodStatus): PodStatus {
  return JSON.parse(JSON.stringify(status)) as PodStatus
}
