/** What the scenarios run: sensors, web servers and their clients, all on vxtap's own image, which has Node. */
import { image } from './images.ts'
import { otherNode } from './nodes.ts'

/** A UDP socket is bound to port 4789 (0x12B5). The image has no shell, so Node looks. */
const listening =
  "const s=require('fs').readFileSync('/proc/net/udp','latin1')+require('fs').readFileSync('/proc/net/udp6','latin1');process.exit(s.includes(':12B5 ')?0:1)"

export interface Metadata {
  readonly name: string
  readonly namespace: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

export const captureFile = '/capture/frames.pcapng'

/** The kubelet's own label of each node. */
export const onNode = (node: string): object => ({ nodeSelector: { 'kubernetes.io/hostname': node } })

/** Of a sensor pod, which is found by its label `run` and by nothing else. */
export const sensorTemplate = (run = 'sensor', placement: object = {}): { metadata: object; spec: object } => ({
  metadata: { labels: { run } },
  spec: {
    ...placement,
    terminationGracePeriodSeconds: 2,
    automountServiceAccountToken: false,
    containers: [
      {
        name: 'receive',
        image,
        args: ['receive', '--strict', '--write', captureFile, '--interval', '1'],
        // On a busy machine Node alone takes more than the second that a probe has by default, and a sensor that is not
        // Ready for a moment loses its flows to the others.
        readinessProbe: { exec: { command: ['node', '-e', listening] }, periodSeconds: 1, timeoutSeconds: 10 },
        volumeMounts: [{ name: 'capture', mountPath: '/capture' }],
      },
    ],
    volumes: [{ name: 'capture', emptyDir: {} }],
  },
})

export function sensorPod(namespace: string, name = 'sensor', node = otherNode, run = 'sensor'): object {
  const { metadata, spec } = sensorTemplate(run, onNode(node))
  return { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name, namespace }, spec }
}

/** Answers each request, once it has all of it, with its path, and /big with a megabyte. */
const web = `
const big = Buffer.alloc(1_000_000, 'all that goes in and out of this pod, the sensor sees. ')
const server = require('http').createServer((request, response) => {
  request.resume().on('end', () => response.end(request.url === '/big' ? big : 'you asked for ' + request.url))
})
server.listen(8080, '::')
process.on('SIGTERM', () => process.exit(0))
`

const idle = "process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000)"

export const webContainer: object = {
  name: 'web',
  image,
  command: ['node', '-e', web],
  ports: [{ containerPort: 8080 }],
  readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
}

export const idleCommand = ['node', '-e', idle]
export const idleContainer: object = { name: 'app', image, command: idleCommand }

export function pod(metadata: Metadata, container: object = idleContainer, spec: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata,
    spec: { terminationGracePeriodSeconds: 2, containers: [container], ...spec },
  }
}

export const optIn = { 'vxtap.io/inject': 'true' } as const

/** A Deployment whose pods are labelled `app: NAME`, with these labels and annotations besides. */
export function deployment(
  { name, namespace, labels, annotations }: Metadata,
  container: object = idleContainer,
  spec: object = {},
  replicas = 1,
): object {
  const app = { app: name }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: app },
      template: {
        metadata: { labels: { ...app, ...labels }, ...(annotations ? { annotations } : {}) },
        spec: { terminationGracePeriodSeconds: 2, containers: [container], ...spec },
      },
    },
  }
}

export function service(namespace: string, name: string, families: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { ...families, selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] },
  }
}

/** A program that asks for these paths, one connection each, and ends with 1 unless every answer is right. */
export const requests = (host: string, paths: readonly string[], port = 80): readonly string[] => [
  'node',
  '-e',
  `
const http = require('http')
const ask = (path) => new Promise((resolve, reject) => {
  http.get({ host: ${JSON.stringify(host)}, port: ${port}, path, agent: false, timeout: 5000 }, (response) => {
    let bytes = 0
    response.on('data', (chunk) => { bytes += chunk.length })
    response.on('end', () => resolve(bytes))
    response.on('error', reject)
  }).on('error', reject)
});
(async () => {
  let total = 0
  for (const path of ${JSON.stringify(paths)}) total += await ask(path)
  console.log(total)
})().catch((error) => { console.error(error.message); process.exit(1) })
`,
]

/** A program that sends a body of this many bytes, and ends with 1 unless it is taken. */
export const upload = (host: string, path: string, bytes: number, port = 80): readonly string[] => [
  'node',
  '-e',
  `
const http = require('http')
const target = { method: 'POST', host: ${JSON.stringify(host)}, port: ${port}, path: ${JSON.stringify(path)}, agent: false, timeout: 5000 }
const failed = (error) => { console.error(error.message); process.exit(1) }
http.request(target, (response) => {
  response.resume().on('error', failed)
}).on('error', failed).end(Buffer.alloc(${bytes}, 'what a client sends. '))
`,
]
