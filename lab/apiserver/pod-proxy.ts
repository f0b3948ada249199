/** GET on `pods/NAME:PORT/proxy/PATH`: the API server asks the pod over HTTP and hands its answer on. */
import type { ServerResponse } from 'node:http'
import type { Pod, Stored } from './objects.ts'
import { resources } from './objects.ts'
import type { Route } from './route.ts'
import { StatusError } from './status.ts'
import type { Store } from './store.ts'

/** What is there in place of the pod's own network. @returns undefined where nothing listens; a promise may never settle */
export type PodProxy = (
  pod: Stored<Pod>,
  port: number,
  path: string,
) => Promise<{ readonly status: number; readonly text: string } | undefined>

export async function proxyToPod(proxy: PodProxy, store: Store, route: Route, response: ServerResponse): Promise<void> {
  const [name = '', port = '80'] = route.name.split(':')
  const pod = store.get(resources.pods, route.namespace, name) as Stored<Pod>
  const answer = await proxy(pod, Number(port), route.proxyPath)
  if (answer === undefined) {
    const message = `error trying to reach service: dial tcp ${pod.status?.podIP ?? ''}:${port}: connect: connection refused`
    throw new StatusError(503, 'ServiceUnavailable', message)
  }
  response.writeHead(answer.status, { 'content-type': 'text/plain' }).end(answer.text)
}
