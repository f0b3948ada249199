/** The scene of most scenarios: a tapped pod and a sensor on one node, and frames that come in from the wire. */
import { Lab, type LabOptions } from '../../lab/network/lab.ts'
import type { LabPod } from '../../lab/network/pod.ts'
import { captureEth0, tunnelDatagrams } from './netns-sensor.ts'
import { type Counted, countedAtStop, type Ended, SidecarProcess, type SidecarStart } from './netns-sidecar.ts'
import { openUdpPort } from './netns-sockets.ts'

export interface Tapped {
  readonly sidecar: SidecarProcess
  /** Stops the sidecar, which sends what it has, and then the capture at the sensor. */
  finish(): Promise<Mirrored>
}

export interface Mirrored {
  readonly ended: Ended
  readonly said: string
  readonly counters: Counted
  /** Everything that arrived through the tunnel, in order. */
  readonly frames: readonly Buffer[]
}

/** Anything that must be closed, whatever becomes of the test. */
interface Closable {
  close(): unknown
}

export class Scene {
  readonly lab: Lab
  readonly web: LabPod
  readonly sensor: LabPod
  readonly #closables: Closable[] = []
  readonly #sidecars: SidecarProcess[] = []

  private constructor(lab: Lab, web: LabPod, sensor: LabPod) {
    this.lab = lab
    this.web = web
    this.sensor = sensor
  }

  static async create(options: LabOptions = {}): Promise<Scene> {
    const lab = await Lab.create(options)
    const scene = new Scene(lab, await lab.pod('web'), await lab.pod('sensor', { node: lab.nodes.at(-1)! }))
    // Without a socket there, the sensor's kernel would answer each datagram with an error.
    scene.closeLater(openUdpPort(scene.sensor.namespace, 6, 4789))
    return scene
  }

  closeLater<T extends Closable>(resource: T): T {
    this.#closables.push(resource)
    return resource
  }

  /** Starts the capture at the sensor, then the sidecar. `ready: false` does not wait for it to capture. */
  async tap(
    env: Record<string, string> = {},
    options: Partial<SidecarStart> & { ready?: boolean } = {},
  ): Promise<Tapped> {
    const capture = await captureEth0(this.sensor)
    const sidecar = new SidecarProcess(this.web, { ...options, env: { SENSOR: this.sensor.address4, ...env } })
    this.#sidecars.push(sidecar)
    if (options.ready !== false) await sidecar.ready()
    return {
      sidecar,
      finish: async () => {
        const ended = await sidecar.stop()
        const frames = tunnelDatagrams(await capture.stop()).map(({ frame }) => frame)
        return { ended, said: sidecar.said, counters: countedAtStop(sidecar.said), frames }
      },
    }
  }

  /** Ends those that a test which failed has left running. */
  async endSidecars(): Promise<void> {
    await Promise.all(this.#sidecars.splice(0).map((sidecar) => sidecar.stop('SIGKILL')))
  }

  async close(): Promise<void> {
    await this.endSidecars()
    for (const resource of this.#closables.splice(0)) resource.close()
    await this.lab.close()
  }
}
