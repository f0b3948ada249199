/** What the client does: errands in its pod's network, as `kubectl exec` would start them. */
import { once } from 'node:events'
import type { PodWorker } from '../lab/kubelet/pod-worker.ts'
import { missingPrograms } from '../lab/network/command.ts'
import { workload } from './cluster.ts'
import type { Display } from './display.ts'
import { grouped } from './display.ts'

type Done = Readonly<Record<string, number>>

function command(...words: readonly string[]): string[] {
  return [process.execPath, workload('client.ts'), ...words]
}

async function errand(client: PodWorker, ...words: readonly string[]): Promise<Done> {
  return JSON.parse((await client.network?.exec(command(...words))) ?? '{}') as Done
}

/** @throws Error when an echo is not answered */
async function ping(client: PodWorker, address: string): Promise<void> {
  await client.network?.exec(['ping', '-n', '-q', '-c', '5', '-i', '0.02', '-W', '2', '-s', '1200', address])
}

export async function showTraffic(display: Display, client: PodWorker, web: PodWorker): Promise<void> {
  const { address4 = '', address6 = '' } = web.network ?? {}
  const canPing = missingPrograms(['ping']).length === 0
  await display.step('HTTP', 'fetching pages', async () => {
    const { requests } = await errand(client, 'http', address4, '40')
    return `${requests} requests, a TCP connection each`
  })
  await display.step('TLS', 'downloading', async () => {
    const { bytes = 0, milliseconds } = await errand(client, 'tls', address4)
    return `${grouped(bytes)} bytes downloaded in ${milliseconds} ms`
  })
  await display.step('DNS', 'asking', async () => {
    const { queries } = await errand(client, 'dns', address4, '60')
    return `${queries} queries over UDP`
  })
  await display.step('IPv6', 'the same over IPv6', async () => {
    const { requests } = await errand(client, 'http', address6, '20')
    const { queries } = await errand(client, 'dns', address6, '30')
    return `${requests} HTTP requests, ${queries} DNS queries`
  })
  await display.step('ping', 'sending echoes', async () => {
    if (!canPing) return 'left out: this machine has no ping (Debian package iputils-ping)'
    await ping(client, address4)
    await ping(client, address6)
    return '5 echoes of 1 200 bytes over IPv4, 5 over IPv6, all answered'
  })
}

export interface SteadyTraffic {
  /** Ends it; tells what was asked and answered. */
  stop(): Promise<Done>
}

/** A DNS query of each family every few milliseconds and an HTTP request now and then, until stopped. */
export function startSteadyTraffic(client: PodWorker, web: PodWorker): SteadyTraffic {
  const { address4 = '', address6 = '' } = web.network ?? {}
  const child = client.network!.spawn(command('steady', address4, address6), { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let complaint = ''
  child.stdout?.on('data', (text: Buffer) => {
    output += text
  })
  child.stderr?.on('data', (text: Buffer) => {
    complaint += text
  })
  const closed = once(child, 'close')
  return {
    stop: async () => {
      child.kill('SIGTERM')
      const [code] = (await closed) as [number | null]
      if (code !== 0) throw new Error(`the client failed: ${complaint.trim()}`)
      return JSON.parse(output) as Done
    },
  }
}
