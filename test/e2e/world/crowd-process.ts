/** A process of a crowd (crowd.ts starts it): many times the sidecar's own discovery, and what became of each. */

import { subscribe } from 'node:diagnostics_channel'
import type { ClientRequest } from 'node:http'
import type { Socket } from 'node:net'
import { createDiscovery, DiscoveryCounters } from '../../../sidecar/target/discovery.ts'
import { type CrowdOrder, type CrowdReport, isOrder } from './crowd.ts'

const sockets = new Set<Socket>()
const requestsAt: number[] = []
const connectionsAt: number[] = []
// The client opens sockets of its own; Node says of every request when it is made, and which one it goes over.
subscribe('http.client.request.created', (message) => {
  const { request } = message as { request: ClientRequest }
  requestsAt.push(Date.now())
  request.once('socket', (socket) => {
    if (sockets.has(socket)) return
    sockets.add(socket)
    socket.once('secureConnect', () => connectionsAt.push(Date.now()))
  })
})

const counters = new DiscoveryCounters()
const known: { addresses: readonly string[]; at: number }[] = []
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

function begin({ sidecars, host, port, directories, sensor, sensorNamespace }: CrowdOrder): void {
  for (let index = 0; index < sidecars; index++) {
    known.push({ addresses: [], at: 0 })
    createDiscovery({
      sensor: { kind: 'label', name: sensor },
      namespace: sensorNamespace,
      podNamespace: '',
      place: { nodeName: '', zone: '', families: new Set([4, 6]) },
      onTargets: (targets) => {
        known[index] = { addresses: targets.map(({ address }) => address), at: Date.now() }
      },
      log: quiet,
      counters,
      api: { host, port, directory: directories[index % directories.length]! },
    }).start()
  }
}

function report(): CrowdReport {
  const all = [...sockets]
  return {
    known,
    requests: [...counters.entries()],
    requestsAt,
    connectionsAt,
    openConnections: all.filter(({ destroyed }) => !destroyed).length,
    bytesRead: all.reduce((sum, { bytesRead }) => sum + bytesRead, 0),
    cpuSeconds: (process.cpuUsage().user + process.cpuUsage().system) / 1e6,
  }
}

process.on('message', (message) => {
  if (isOrder(message)) begin(message)
  else process.send?.(report())
})
process.on('disconnect', () => process.exit(0))
