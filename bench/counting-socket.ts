/** bench/programs/sensor.c as a process: at the far end of the tunnel, and as the application that swallows UDP. */
import type { ChildProcess } from 'node:child_process'
import { createInterface, type Interface } from 'node:readline'
import type { LabPod } from '../lab/network/pod.ts'
import { program } from './programs.ts'

export interface Arrived {
  /** As the socket sees them: a batch that nothing has cut is one. */
  readonly arrivals: number
  readonly frames: number
  readonly bytes: number
  /** Bytes of payload of TCP inside the tunnel. */
  readonly tcp: number
  readonly good: number
  readonly bad: number
  readonly unknown: number
}

export interface CountingOptions {
  readonly port: number
  /** Every how many arrivals the checksums are looked at; 0 never, 1 always. */
  readonly sample: number
  /** Has the kernel cut batches in front of the socket. */
  readonly cut?: boolean
}

export class CountingSocket {
  readonly #child: ChildProcess
  readonly #lines: Interface
  readonly #waiting: ((line: string) => void)[] = []
  #ended: Error | undefined
  #said = ''

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#lines = createInterface({ input: child.stdout! })
    this.#lines.on('line', (line) => this.#waiting.shift()?.(line))
    child.stderr?.on('data', (text) => {
      this.#said += text
    })
    child.once('close', () => {
      this.#ended = new Error(`the sensor's socket ended: ${this.#said.trim() || 'it said nothing'}`)
      for (const answer of this.#waiting.splice(0)) answer('')
    })
  }

  static async open(pod: LabPod, options: CountingOptions): Promise<CountingSocket> {
    const { port, sample, cut } = options
    const argv = [program('sensor'), String(port), String(sample), ...(cut ? ['cut'] : [])]
    const socket = new CountingSocket(pod.spawn(argv, { stdio: 'pipe' }))
    await socket.#line()
    return socket
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  async arrived(): Promise<Arrived> {
    this.#child.stdin?.write('\n')
    return JSON.parse(await this.#line()) as Arrived
  }

  async #line(): Promise<string> {
    if (this.#ended) throw this.#ended
    const line = await new Promise<string>((resolve) => this.#waiting.push(resolve))
    if (line === '') throw this.#ended ?? new Error("the sensor's socket gave no answer")
    return line
  }

  async close(): Promise<void> {
    if (this.#ended) return
    const gone = new Promise<void>((resolve) => this.#child.once('close', () => resolve()))
    this.#child.stdin?.end()
    await gone
  }
}
