/** One pod's life on its node: network, init containers, containers, status, and the way back when it is deleted. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { V1Container, V1Pod, V1PodStatus } from '@kubernetes/client-node'
import type { LabNode } from '../network/node.ts'
import type { LabPod } from '../network/pod.ts'
import { type Images, program, serviceAccountDirectory } from './command-line.ts'
import { Container } from './container.ts'
import { type ApiAddress, containerEnvironment } from './environment.ts'

export interface WorkerContext {
  readonly node: LabNode
  readonly images: Images
  readonly api: ApiAddress
  /** The files of the pod's service account: token, ca.crt, namespace. */
  readonly accountFiles: (pod: V1Pod) => Readonly<Record<string, string>>
  readonly report: (pod: V1Pod, status: V1PodStatus) => void
}

/** Written below the sandbox's own tmpfs. */
const stateDirectory = '/run/vxtap-kubelet'
/** /var/run is a link to /run. */
const accountMountPaths = [serviceAccountDirectory, `/var${serviceAccountDirectory}`]

export class PodWorker {
  readonly pod: V1Pod
  readonly containers: Container[] = []
  /** Resolves when every container has started, rejects when one cannot. */
  readonly started: Promise<void>
  readonly #context: WorkerContext
  readonly #sidecars: Container[] = []
  #network: LabPod | undefined
  #stopping = false

  constructor(pod: V1Pod, context: WorkerContext) {
    this.pod = pod
    this.#context = context
    this.started = this.#start()
    this.started.catch(() => {})
  }

  /** The pod's network, once there is one. */
  get network(): LabPod | undefined {
    return this.#network
  }

  /** Whether its end has begun. */
  get stopping(): boolean {
    return this.#stopping
  }

  get name(): string {
    return this.pod.metadata?.name ?? ''
  }

  async #start(): Promise<void> {
    const { node } = this.#context
    this.#network = await node.pod(`${this.pod.metadata?.namespace}.${this.name}`)
    const accountFiles = await this.#writeAccountFiles()
    for (const spec of this.pod.spec?.initContainers ?? []) {
      const container = this.#launch(spec, this.#network, accountFiles)
      // KEP-753: an init container that always restarts runs beside the others, which start once it has started.
      if (spec.restartPolicy === 'Always') {
        this.#sidecars.push(container)
        if (!(await container.becomeReady())) this.#fail(container)
      } else if ((await container.exited) !== 0) this.#fail(container)
    }
    const containers = (this.pod.spec?.containers ?? []).map((spec) => this.#launch(spec, this.#network!, accountFiles))
    for (const container of containers) {
      void container.exited.then(() => (this.#stopping ? undefined : this.#report()))
    }
    this.#report()
    await Promise.all(containers.map((container) => container.becomeReady()))
    this.#report()
    const ended = containers.find((container) => !container.running && container.status().state?.terminated?.exitCode)
    if (ended !== undefined) this.#fail(ended)
  }

  #launch(spec: V1Container, network: LabPod, accountFiles: string | undefined): Container {
    const { api, images, node } = this.#context
    const facts = { nodeName: node.name, hostIP: node.address4, podIPs: network.addresses }
    const environment = containerEnvironment(spec, this.pod, facts, api)
    const argv = program(spec, images, environment)
    const mounted = spec.volumeMounts?.some((mount) => accountMountPaths.includes(mount.mountPath)) === true
    const files = mounted ? accountFiles : undefined
    const container = new Container(spec, network, { argv, environment, accountFiles: files })
    this.containers.push(container)
    return container
  }

  #fail(container: Container): never {
    this.#report()
    const lastLines = container.log.trimEnd().split('\n').slice(-8).join('\n')
    throw new Error(`pod ${this.name}: container ${container.spec.name} ended at start:\n${lastLines}`)
  }

  async #writeAccountFiles(): Promise<string> {
    const directory = join(stateDirectory, this.pod.metadata?.uid ?? this.name)
    await mkdir(serviceAccountDirectory, { recursive: true })
    await mkdir(directory, { recursive: true })
    for (const [name, text] of Object.entries(this.#context.accountFiles(this.pod))) {
      await writeFile(join(directory, name), text)
    }
    return directory
  }

  /** Ends the containers, then the native sidecars, last one first; then the network goes. */
  async stop(graceSeconds: number): Promise<void> {
    this.#stopping = true
    await this.started.catch(() => {})
    this.#report()
    const ordinary = this.containers.filter((container) => !this.#sidecars.includes(container))
    await Promise.all(ordinary.map((container) => container.stop(graceSeconds)))
    for (const container of this.#sidecars.toReversed()) await container.stop(graceSeconds)
    await this.#network?.remove()
    await rm(join(stateDirectory, this.pod.metadata?.uid ?? this.name), { recursive: true, force: true })
  }

  #report(): void {
    const isInit = (container: Container) =>
      (this.pod.spec?.initContainers ?? []).some((spec) => spec.name === container.spec.name)
    const ordinary = this.containers.filter((container) => !isInit(container))
    const started = ordinary.length === (this.pod.spec?.containers.length ?? 0)
    const ready = !this.#stopping && started && [...ordinary, ...this.#sidecars].every((container) => container.ready)
    const codes = ordinary.map((container) => container.status().state?.terminated?.exitCode)
    const over = started && codes.every((code) => code !== undefined)
    const lastTransitionTime = new Date()
    const condition = (type: string, holds: boolean) => ({ type, status: holds ? 'True' : 'False', lastTransitionTime })
    this.#context.report(this.pod, {
      phase: !started ? 'Pending' : !over ? 'Running' : codes.every((code) => code === 0) ? 'Succeeded' : 'Failed',
      conditions: [
        condition('PodScheduled', true),
        condition('Initialized', started),
        condition('ContainersReady', ready),
        condition('Ready', ready),
      ],
      hostIP: this.#context.node.address4,
      podIP: this.#network?.address4 ?? '',
      podIPs: (this.#network?.addresses ?? []).map((ip) => ({ ip })),
      initContainerStatuses: this.containers.filter(isInit).map((container) => container.status()),
      containerStatuses: ordinary.map((container) => container.status()),
    })
  }
}
