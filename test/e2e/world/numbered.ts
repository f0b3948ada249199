/** Datagrams with a number each, at a steady rate, and sensors that say which of them arrived. */
import { image } from './images.ts'
import { kubectl } from './kubectl.ts'
import { onNode, sensorTemplate } from './workloads.ts'

const port = 9999
/** Of the tap that sees nothing else, so that the sidecar's counters count these datagrams and no other frame. */
export const numberedOnly = { 'vxtap.io/filter': `udp dst port ${port}` } as const
export const everyMs = 5

const sink = `
const socket = require('dgram').createSocket({ type: 'udp6', ipv6Only: false })
socket.bind(${port})
process.on('SIGTERM', () => process.exit(0))
`
/** Takes the datagrams, so that nobody is told that the port is closed. */
export const sinkContainer: object = { name: 'sink', image, command: ['node', '-e', sink] }

const source = (address: string): string => `
const socket = require('dgram').createSocket('${address.includes(':') ? 'udp6' : 'udp4'}')
const started = performance.now()
let number = 0
setInterval(() => {
  for (const due = (performance.now() - started) / ${everyMs}; number < due; number++)
    socket.send('number ' + number + ' at ' + (performance.now() - started).toFixed(1) + ';', ${port}, '${address}')
}, ${everyMs})
process.on('SIGTERM', () => process.exit(0))
`
/** Sends without end, beginning with number 0. */
export const sourceContainer = (address: string): object => ({
  name: 'source',
  image,
  command: ['node', '-e', source(address)],
})

/** Goes on for a while after it was told to end, as docs/install.md asks of sensors: longer, for busy machines. */
const listener = `
const socket = require('dgram').createSocket({ type: 'udp6', ipv6Only: false })
socket.on('message', (frame) => {
  const said = /number (\\d+) at ([0-9.]+);/.exec(frame.toString('latin1'))
  if (said) require('fs').writeSync(1, said[1] + ' ' + said[2] + '\\n')
})
socket.bind(4789)
process.on('SIGTERM', () => setTimeout(() => process.exit(0), 3000))
`
export function numberedSensor(namespace: string, node: string, name = 'sensor'): object {
  const { metadata, spec } = sensorTemplate('sensor', onNode(node)) as Template
  const [receive] = spec.containers
  const container = { ...receive, args: undefined, command: ['node', '-e', listener] }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metadata, name, namespace },
    spec: { ...spec, terminationGracePeriodSeconds: 15, containers: [container] },
  }
}

interface Template {
  readonly metadata: object
  readonly spec: { readonly containers: readonly object[] }
}

/** A datagram at a sensor: its number, and when it was sent by the sender's clock, in milliseconds. */
export interface Arrival {
  readonly number: number
  readonly sentMs: number
}

export async function arrivals(namespace: string, sensor: string): Promise<Arrival[]> {
  return parse(await kubectl(['-n', namespace, 'logs', sensor, '-c', 'receive']))
}

/** All that a sensor says until it ends: ask before it is told to. */
export async function arrivalsUntilItsEnd(namespace: string, sensor: string): Promise<Arrival[]> {
  return parse(await kubectl(['-n', namespace, 'logs', '--follow', sensor, '-c', 'receive']))
}

const parse = (log: string): Arrival[] =>
  [...log.matchAll(/^(\d+) ([0-9.]+)$/gm)].map(([, number, sentMs]) => ({
    number: Number(number),
    sentMs: Number(sentMs),
  }))

/** Every number from the first to the last that is not among the arrivals. */
export function missingNumbers(arrived: readonly Arrival[], first: number): number[] {
  const numbers = new Set(arrived.map(({ number }) => number))
  const last = Math.max(...numbers)
  return Array.from({ length: last - first + 1 }, (_, index) => first + index).filter((number) => !numbers.has(number))
}
