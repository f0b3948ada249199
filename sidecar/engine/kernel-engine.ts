/**
 * Engine `kernel`: the kernel mirrors by itself; this only puts the mirror up, turns it to the sensor, reads its
 * counters and takes it down. It is engine and outlet in one, since no frame passes between the two.
 *
 * What it cannot do it refuses in words and stays up without mirroring: were it to end, a native sidecar would be
 * started again and again before the application.
 */
import { type MirrorRefusal, mirrorRefusal } from '../../contract/mirror-refusals.ts'
import type { SidecarSettings } from '../../contract/sidecar-settings.ts'
import { mirrorFilter } from '../capture/mirror-filter.ts'
import type { Counters } from '../counters.ts'
import { SyscallError } from '../linux/errno.ts'
import { carriesEthernet } from '../linux/interface.ts'
import { findLink, type Link } from '../linux/link.ts'
import { listRoutes } from '../linux/route.ts'
import type { Hook } from '../linux/traffic-control.ts'
import { addressBytes } from '../linux/udp-socket.ts'
import type { Log } from '../log.ts'
import type { Target } from '../target/target.ts'
import { probePath, type ReservedPorts, reservePorts } from '../tunnel/reserved-ports.ts'
import type { Outlets, PathState } from '../tunnel/transport.ts'
import type { Engine, EngineState } from './engine.ts'
import { innerMtu } from './inner-mtu.ts'
import { KernelMirror, type MirrorPlan } from './kernel-mirror.ts'
import { mtuRefusal, nodeRefusal, settingRefusal, targetOf } from './mirror-fitness.ts'
import { PartError } from './mirror-parts.ts'

const hooks: Readonly<Record<SidecarSettings['direction'], readonly Hook[]>> = {
  both: ['ingress', 'egress'],
  in: ['ingress'],
  out: ['egress'],
}
/** Counters are not read more often than this. */
const readMs = 1000
/** Until a part that the kernel refused is asked for again: making devices holds up whoever else makes some on the node. */
const retryMs = 30_000

export interface KernelEngineOptions {
  readonly settings: SidecarSettings
  readonly userProgram: Buffer | undefined
  readonly counters: Counters
  readonly log: Log
}

export class KernelEngine implements Engine, Outlets {
  readonly name = 'kernel'
  readonly #options: KernelEngineOptions
  readonly #stopped = Promise.withResolvers<void>()
  #ports: ReservedPorts | undefined
  #mirror: KernelMirror | undefined
  #running = false
  #wanted: readonly Target[] = []
  #current: Target | undefined
  #pathMtu = 0
  #refusal: MirrorRefusal | undefined
  #said = ''
  #readAt = Number.NEGATIVE_INFINITY
  #retryAt = Number.NEGATIVE_INFINITY
  /** Frames that did not leave, not yet counted because fewer were seen to come. */
  #owed = 0

  constructor(options: KernelEngineOptions) {
    this.#options = options
    this.#refusal = settingRefusal(options.settings)
  }

  get state(): EngineState {
    const name = this.#options.settings.interface
    if (this.#refusal) {
      const { code, sentence } = this.#refusal
      return { capturing: false, sentence: `ENGINE=kernel does not mirror: ${sentence}`, refusal: code }
    }
    if (this.#mirror === undefined) return { capturing: false, sentence: `starting to mirror ${name} in the kernel` }
    const sentence = this.#current
      ? `the kernel mirrors ${name} to ${this.#current.name}${this.#others()}`
      : `the kernel counts what ${name} carries and mirrors none of it, as there is no sensor`
    return { capturing: true, sentence }
  }

  #others(): string {
    const others = this.#wanted.length - 1
    return others < 1 ? '' : `, one of ${others + 1} sensors: ENGINE=kernel does not spread a pod's flows`
  }

  async run(): Promise<void> {
    this.#running = true
    this.refresh()
    await this.#stopped.promise
  }

  stop(): void {
    this.#running = false
    this.#guarded(() => this.#count())
    this.#takeDown()
    this.#ports?.release()
    this.#stopped.resolve()
  }

  #takeDown(): void {
    try {
      this.#mirror?.stop()
    } catch (error) {
      this.#options.log.error(`the mirror may not be taken down whole: ${String(error)}`)
    }
    this.#mirror = undefined
    this.#current = undefined
  }

  close(): void {
    if (this.#running) this.stop()
  }

  get targets(): readonly Target[] {
    return this.#current ? [this.#current] : []
  }

  /** The state's sentence tells which sensor is sent to, and why not. */
  readonly unsendable = 0

  setTargets(targets: readonly Target[]): void {
    this.#wanted = targets
    this.refresh()
  }

  paths(): PathState[] {
    return this.#current ? [{ name: this.#current.name, mtu: this.#pathMtu, batch: 'kernel' }] : []
  }

  readKernelCounters(): void {
    if (this.#running && performance.now() - this.#readAt >= readMs) this.#guarded(() => this.#count())
  }

  refresh(): void {
    if (!this.#running) return
    if (this.#refusal?.code !== 'setting' && performance.now() >= this.#retryAt) {
      this.#guarded(() => {
        const mirror = this.#mirrorOnInterface()
        if (mirror) this.#turn(mirror)
      })
    }
    this.#say()
  }

  /** The kernel's refusals become ours. Nothing that it says ends the sidecar. */
  #guarded(work: () => void): void {
    try {
      work()
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error
      const { refusal } = error instanceof PartError ? error : { refusal: undefined }
      this.#refuse(refusal ?? mirrorRefusal('kernel_refused', { cause: error.message }))
      this.#retryAt = performance.now() + retryMs
      this.#takeDown()
    }
  }

  /** The mirror, put up where the interface is new or somebody has taken parts of it away. */
  #mirrorOnInterface(): KernelMirror | undefined {
    const { interface: name } = this.#options.settings
    const link = findLink(name)
    if (link === undefined || !carriesEthernet(name)) {
      this.#refuse(mirrorRefusal(link ? 'not_ethernet' : 'no_interface', { interface: name }))
      return undefined
    }
    const known = this.#mirror
    if (known?.interfaceIndex === link.index && this.#count()) return known
    if (known) this.#options.log.warn(`the mirror of ${name} is no longer whole; putting it up anew`)
    this.#current = undefined
    const mirror = known ?? new KernelMirror(this.#plan())
    mirror.start(link)
    this.#mirror = mirror
    return mirror
  }

  #plan(): MirrorPlan {
    const { settings, userProgram } = this.#options
    this.#ports ??= reservePorts(settings.sourcePorts)
    const { first, count } = this.#ports
    const { sensorPort } = settings
    const ports = { sensorPort, firstPort4: first, firstPort6: first, portCount: count }
    const program = (hook: Hook) => mirrorFilter(hook, ports, userProgram)
    return {
      interface: settings.interface,
      vni: settings.vni,
      sensorPort,
      sourcePorts: this.#ports,
      programs: Object.fromEntries(hooks[settings.direction].map((hook) => [hook, program(hook)])),
    }
  }

  /** Turns the mirror to the sensor that is this pod's now, or away from one that it may not send to. */
  #turn(mirror: KernelMirror): void {
    const { podNamespace, podName } = this.#options.settings
    const target = targetOf(this.#wanted, `${podNamespace}/${podName}`)
    const refusal = target && this.#unfit(target)
    if (target === undefined || refusal) {
      mirror.rest()
      this.#current = undefined
      this.#refusal = refusal
      return
    }
    mirror.aim(target.address)
    this.#current = target
    this.#refusal = undefined
  }

  #unfit(target: Target): MirrorRefusal | undefined {
    const { settings } = this.#options
    const misplaced = nodeRefusal(target, settings)
    if (misplaced) return misplaced
    try {
      this.#pathMtu = probePath(target, settings.sensorPort)
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error
      return mirrorRefusal('no_route', { sensor: target.name, cause: error.message })
    }
    const link: Link | undefined = findLink(settings.interface)
    if (link === undefined) return mirrorRefusal('no_interface', { interface: settings.interface })
    return mtuRefusal(target, this.#pathMtu, innerMtu(listRoutes(), link, addressBytes(target.address)))
  }

  #refuse(refusal: MirrorRefusal): void {
    this.#refusal = refusal
    this.#current = undefined
  }

  /** Adds what the kernel counted. @returns whether the mirror is still whole */
  #count(): boolean {
    const { counters } = this.#options
    const mirror = this.#mirror
    if (mirror === undefined) return false
    this.#readAt = performance.now()
    const count = mirror.count()
    if (count === undefined) return false
    counters.capturedFrames += count.frames
    counters.capturedBytes += count.bytes
    if (mirror.remote === undefined) {
      counters.dropped.no_sensor += count.frames
      return true
    }
    this.#owed += count.unsent
    const unsent = Math.min(this.#owed, count.frames)
    this.#owed -= unsent
    counters.dropped.send_error += unsent
    counters.sentFrames += count.frames - unsent
    counters.sentBytes += count.sentBytes
    return true
  }

  /** Each state is said once. */
  #say(): void {
    const { log } = this.#options
    const { capturing, sentence } = this.state
    if (sentence === this.#said) return
    this.#said = sentence
    if (capturing && this.#current) log.info(sentence)
    else log.warn(sentence)
  }
}
