/** Notices as events of the API server. */
import { CoreV1Api, type KubeConfig } from '@kubernetes/client-node'
import type { Logger } from 'pino'
import { createTeller, type Notice } from '../notice.ts'

const component = 'vxtap-injector'

export function createOwnerEvents(kubeConfig: KubeConfig, log: Logger): (notice: Notice) => void {
  const api = kubeConfig.makeApiClient(CoreV1Api)
  const post = async ({ namespace, owner, reason, message }: Notice): Promise<void> => {
    const now = new Date()
    await api.createNamespacedEvent({
      namespace,
      body: {
        metadata: { generateName: 'vxtap-', namespace },
        involvedObject: { ...owner, namespace },
        type: 'Warning',
        reason: camelCase(reason),
        message: `vxtap: ${message}`,
        source: { component },
        firstTimestamp: now,
        lastTimestamp: now,
        count: 1,
      },
    })
  }
  return createTeller(post, ({ namespace, owner }, error) => {
    log.warn(
      { namespace, owner: `${owner.kind}/${owner.name}`, cause: error.message.split('\n', 1)[0] },
      'cannot tell the owner of a pod what was decided about it; needs: create events',
    )
  })
}

/** Reasons of events are written like HostNetwork. */
const camelCase = (code: string): string => code.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())
