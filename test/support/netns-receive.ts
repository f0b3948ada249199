/** A sensor that reads a UDP socket and refuses what a strict one refuses: `vxtap receive --strict`, in a pod. */
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { LabPod } from '../../lab/network/pod.ts'
import { until } from './netns-until.ts'

const vxtap = fileURLToPath(new URL('../../bin/vxtap', import.meta.url))

export interface Received {
  /** The number of faulty datagrams, at most 255. */
  readonly exit: number | null
  readonly datagrams: number
  readonly faulty: number
  readonly lostAtSocket: number | null
}

export class ReceivingSensor {
  readonly #child: ChildProcess
  readonly #ended: Promise<number | null>
  #out = ''
  #err = ''

  private constructor(pod: LabPod) {
    this.#child = pod.spawn([vxtap, 'receive', '--strict', '--json'], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child.stdout?.on('data', (text) => {
      this.#out += text
    })
    this.#child.stderr?.on('data', (text) => {
      this.#err += text
    })
    this.#ended = new Promise((resolve) => this.#child.once('close', resolve))
  }

  static async start(pod: LabPod): Promise<ReceivingSensor> {
    const sensor = new ReceivingSensor(pod)
    await until('vxtap receive to listen', () => sensor.#err.includes('listening on'))
    return sensor
  }

  async stop(): Promise<Received> {
    this.#child.kill('SIGINT')
    const exit = await this.#ended
    const line = this.#out.trim().split('\n').at(-1) ?? ''
    return { ...(JSON.parse(line) as Received), exit }
  }
}
