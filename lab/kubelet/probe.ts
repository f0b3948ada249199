/** Probes and lifecycle hooks: exec in the pod's network, HTTP GET and TCP connect from the node. */
import { connect } from 'node:net'
import type { V1ContainerPort, V1ExecAction, V1HTTPGetAction, V1TCPSocketAction } from '@kubernetes/client-node'
import type { LabPod } from '../network/pod.ts'

/** The three actions that a V1Probe and a V1LifecycleHandler have in common. */
export interface Action {
  readonly exec?: V1ExecAction
  readonly httpGet?: V1HTTPGetAction
  readonly tcpSocket?: V1TCPSocketAction
  readonly timeoutSeconds?: number
}

export interface ProbePlace {
  readonly pod: LabPod
  /** The container's ports, by which a probe may name one. */
  readonly ports: readonly V1ContainerPort[]
  readonly environment: Readonly<Record<string, string>>
}

/** Whether the action succeeds; an action of no kind that is known here does. */
export async function probe(action: Action, place: ProbePlace): Promise<boolean> {
  const timeoutMs = (action.timeoutSeconds ?? 1) * 1000
  try {
    if (action.exec !== undefined) {
      await place.pod.exec(action.exec.command ?? [], { env: place.environment, timeoutMs })
    }
    if (action.httpGet !== undefined) {
      const { scheme, host, port, path } = action.httpGet
      const url = `${(scheme ?? 'HTTP').toLowerCase()}://${host ?? place.pod.address4}:${portNumber(port, place)}${path ?? '/'}`
      const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) })
      await response.arrayBuffer()
      return response.status >= 200 && response.status < 400
    }
    if (action.tcpSocket !== undefined)
      await connected(place.pod.address4, portNumber(action.tcpSocket.port, place), timeoutMs)
    return true
  } catch {
    return false
  }
}

function portNumber(port: number | string, place: ProbePlace): number {
  return place.ports.find(({ name }) => name === port)?.containerPort ?? Number(port)
}

function connected(host: string, port: number, timeout: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout })
    const end = (error?: Error) => {
      socket.destroy()
      if (error === undefined) resolve()
      else reject(error)
    }
    socket.once('connect', () => end())
    socket.once('timeout', () => end(new Error('timed out')))
    socket.once('error', end)
  })
}
