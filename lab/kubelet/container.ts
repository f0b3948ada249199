/** A container of a pod: one process in the pod's network namespace, with its log. */
import type { ChildProcess } from 'node:child_process'
import { constants } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { V1Container, V1ContainerStatus } from '@kubernetes/client-node'
import type { LabPod } from '../network/pod.ts'
import { isolated } from './command-line.ts'
import { type ProbePlace, probe } from './probe.ts'

export interface ContainerStart {
  readonly argv: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly accountFiles: string | undefined
}

/** Kept of a container's output, in characters; the oldest goes first. */
const logLimit = 4 << 20
const lastWordsMs = 200

export class Container {
  readonly spec: V1Container
  /** Resolves with the exit code, 128 + the signal's number for a signal. */
  readonly exited: Promise<number>
  readonly #process: ChildProcess
  readonly #place: ProbePlace
  readonly #startedAt = new Date()
  #log = ''
  #exitCode: number | undefined
  #ready = false

  constructor(spec: V1Container, pod: LabPod, start: ContainerStart) {
    this.spec = spec
    this.#place = { pod, environment: start.environment, ports: spec.ports ?? [] }
    this.#process = pod.spawn(isolated(start.argv, spec.securityContext, start.accountFiles), {
      env: { ...start.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding('utf8')
      stream?.on('data', (text: string) => {
        this.#log = (this.#log + text).slice(-logLimit)
      })
    }
    this.exited = new Promise((resolve) => {
      this.#process.once('error', (error) => {
        this.#log += `${error.message}\n`
        resolve(this.#end(127))
      })
      this.#process.once('exit', (code, signal) => {
        this.#end(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
        // Its last words are still on the way; a process that it left behind may keep the pipe open for ever.
        const lastWords = setTimeout(() => resolve(this.#exitCode ?? 0), lastWordsMs)
        this.#process.once('close', () => {
          clearTimeout(lastWords)
          resolve(this.#exitCode ?? 0)
        })
      })
    })
  }

  /** What it wrote so far, standard output and standard error as they came. */
  get log(): string {
    return this.#log
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  get running(): boolean {
    return this.#exitCode === undefined
  }

  get ready(): boolean {
    return this.running && this.#ready
  }

  /**
   * Resolves true when its startup probe, or else its readiness probe, has passed (at once without one), false when it
   * ended before.
   */
  async becomeReady(): Promise<boolean> {
    for (const check of [this.spec.startupProbe, this.spec.readinessProbe]) {
      if (check === undefined) continue
      await sleep((check.initialDelaySeconds ?? 0) * 1000)
      // The kubelet asks every periodSeconds; here, as often as it takes to be quick.
      while (this.running && !(await probe(check, this.#place))) await sleep(20)
    }
    // A program that cannot start (a missing file, a wrong setting) needs a moment to say so.
    if (this.spec.readinessProbe === undefined && this.spec.startupProbe === undefined) await sleep(20)
    this.#ready = this.running
    return this.#ready
  }

  /** The preStop hook, SIGTERM, and SIGKILL when the grace period is over. */
  async stop(graceSeconds: number): Promise<void> {
    this.#ready = false
    const deadline = Date.now() + graceSeconds * 1000
    const hook = this.spec.lifecycle?.preStop
    if (this.running && hook?.sleep !== undefined) await sleep(Math.min(hook.sleep.seconds, graceSeconds) * 1000)
    else if (this.running && hook !== undefined) await probe(hook, this.#place)
    if (!this.running) return
    this.#process.kill('SIGTERM')
    const kill = setTimeout(() => this.#process.kill('SIGKILL'), Math.max(0, deadline - Date.now()))
    await this.exited
    clearTimeout(kill)
  }

  status(): V1ContainerStatus {
    const exitCode = this.#exitCode
    return {
      name: this.spec.name,
      image: this.spec.image ?? '',
      imageID: '',
      restartCount: 0,
      ready: this.ready,
      started: this.running,
      state:
        exitCode === undefined
          ? { running: { startedAt: this.#startedAt } }
          : { terminated: { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error' } },
    }
  }

  #end(code: number): number {
    this.#exitCode ??= code
    return this.#exitCode
  }
}
