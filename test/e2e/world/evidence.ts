/** What the sensor got, and what was on the wire: the frames of both, and what tshark makes of the sensor's. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Frame } from '../../../demo/compare/compare.ts'
import { readFrames } from '../../../demo/evidence.ts'
import { run, searchPath } from '../../../lab/network/command.ts'
import { exec, getObject, logs } from './kubectl.ts'
import { nodeProcess } from './nodes.ts'
import { captureFile } from './workloads.ts'

const read = `process.stdout.write(require('fs').readFileSync('${captureFile}').toString('base64'))`

/** The sidecar's ring hands blocks over, and the sensor writes its file, within this. */
const writtenAfterMs = 1500

/** Copies the sensor's capture to a file of this machine, with all that was sent before the call. */
export async function fetchCapture(namespace: string, sensor: string, file: string): Promise<void> {
  await sleep(writtenAfterMs)
  writeFileSync(file, Buffer.from(await exec(namespace, sensor, 'receive', ['node', '-e', read]), 'base64'))
}

export function useFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'vxtap-e2e-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** Faulty datagrams, as the strict sensor itself counted them, in its last line. */
export async function faultsSaid(namespace: string, sensor: string): Promise<number> {
  const counts = [...(await logs(namespace, sensor, 'receive')).matchAll(/, (\d+) faulty,/g)]
  return Number(counts.at(-1)?.[1] ?? Number.NaN)
}

/** Every line that tshark prints for these fields of the frames that the filter takes. */
export async function tshark(file: string, filter: string, ...fields: readonly string[]): Promise<string[]> {
  const checks = ['ip.check_checksum:TRUE', 'tcp.check_checksum:TRUE', 'udp.check_checksum:TRUE']
  const output = await run(
    [
      ...['tshark', '-n', '-r', file, '-Y', filter, '-T', 'fields', '-d', 'tcp.port==8080,http'],
      ...checks.flatMap((option) => ['-o', option]),
      ...fields.flatMap((field) => ['-e', field]),
    ],
    { timeoutMs: 60_000 },
  )
  return output.split('\n').filter((line) => line !== '')
}

/** What was tapped just before the capture of the wire began is at the sensor after this. */
const settledMs = 1000
/** dumpcap reads blocks that the kernel hands over after 250 ms at the latest. */
const drainMs = 1000

export interface WireCapture {
  /** Ends it, and gives what was on the wire. */
  stop(): Promise<Frame[]>
}

const enterNode = (node: string): string[] => ['nsenter', '-t', nodeProcess(node), '-n', '--']

/** The output of a program of this machine, run in a node's network. */
export const inNode = (node: string, argv: readonly string[]): Promise<string> => run([...enterNode(node), ...argv])

/** Asks for an answer, whichever it is (most likely a refusal): afterwards the pod's node knows its link address. */
const reached = (address: string): Promise<void> =>
  new Promise((resolve) => {
    const socket = connect({ host: address, port: 9, timeout: 2000 })
    socket.once('close', () => resolve())
    for (const event of ['connect', 'timeout', 'error']) socket.once(event, () => socket.destroy())
  })

/** Captures with dumpcap at the node's end of a pod's veth pair, where the tap cannot reach. */
export async function captureWire(namespace: string, podName: string, file: string): Promise<WireCapture> {
  const { spec, status } = await getObject(namespace, 'pod', podName)
  const enter = enterNode(spec.nodeName ?? '')
  await reached(status.podIP ?? '')
  const route = JSON.parse(await run([...enter, 'ip', '-j', 'neighbour', 'show', status.podIP ?? '']))
  const links = JSON.parse(await run([...enter, 'bridge', '-j', 'fdb', 'show', 'br', 'cni0']))
  const link = links.find((entry: { mac: string }) => entry.mac === route[0]?.lladdr)?.ifname
  if (link === undefined) throw new Error(`no port of cni0 has the address of the pod ${podName}`)
  const [program = '', ...args] = [...enter, 'dumpcap', '-q', '-n', '-s', '262144', '-B', '32', '-i', link, '-w', file]
  const child = spawn(program, args, { env: { ...process.env, PATH: searchPath }, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  await new Promise<void>((resolve, reject) => {
    child.once('exit', () => reject(new Error(`dumpcap did not start: ${said}`)))
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (/^File: /m.test(said)) resolve()
    })
  })
  await sleep(settledMs)
  return {
    async stop() {
      await sleep(drainMs)
      const gone = new Promise((resolve) => child.once('close', resolve))
      child.kill('SIGINT')
      await gone
      const lost = /Packets received\/dropped on interface '[^']*': \d+\/(\d+)/.exec(said)?.[1]
      if (lost !== '0') throw new Error(`dumpcap lost ${lost} frames: nothing is proved`)
      return readFrames(file)
    },
  }
}
