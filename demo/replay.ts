/** `vxtap demo --pcap FILE`: the user's own frames through the tapped pod, compared with the file byte for byte. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CaptureFile, linkTypeEthernet, pcapFrame, pcapHeader } from '../wire/pcap.ts'
import { workload } from './cluster.ts'
import type { Display } from './display.ts'
import { grouped } from './display.ts'
import { toFrame } from './evidence.ts'
import { setStage } from './stage.ts'
import { beginTruth, endTruth, type Outcome } from './truth.ts'

const ethernetHeader = 14
const smallestMtu = 1500
/** Larger frames do not exist on links; in a file they are the super-frames of the machine that captured it. */
const largestMtu = 9216

export interface Replayable {
  readonly capture: CaptureFile
  /** Bytes: what the pod's interface needs for the largest frame. */
  readonly mtu: number
  readonly tooLong: number
  readonly tooShort: number
}

/** @throws Error when the file is not Ethernet, or nothing of it can be sent */
export function replayable(file: CaptureFile): Replayable {
  if (file.linkType !== linkTypeEthernet) {
    throw new Error(`its link type is ${file.linkType}, and only Ethernet (1) can be replayed into a pod`)
  }
  const tooShort = file.frames.filter(({ data }) => data.length < ethernetHeader).length
  const tooLong = file.frames.filter(({ data }) => data.length > largestMtu + ethernetHeader).length
  const frames = file.frames.filter(
    ({ data }) => data.length >= ethernetHeader && data.length <= largestMtu + ethernetHeader,
  )
  if (frames.length === 0) throw new Error('it has no frame that can be sent')
  const longest = Math.max(...frames.map(({ data }) => data.length))
  const mtu = Math.max(smallestMtu, longest - ethernetHeader)
  return { capture: { linkType: file.linkType, frames }, mtu, tooLong, tooShort }
}

/** @param file shown to the user; `contents` is what can be sent of it */
export async function replay(display: Display, file: string, contents: Replayable): Promise<Outcome> {
  const { capture, mtu, tooLong, tooShort } = contents
  const stage = await setStage(display, mtu)
  const { cluster, web } = stage
  const truth = await beginTruth(stage, join(cluster.directory, 'wire.pcapng'))
  display.line()
  await display.step('replay', `sending ${capture.frames.length} frames`, async () => {
    const selection = join(cluster.directory, 'replay.pcap')
    await writeFile(selection, Buffer.concat([pcapHeader(), ...capture.frames.map(pcapFrame)]))
    const network = web.network!
    const words = [process.execPath, workload('replay.ts'), selection, network.nodeInterface]
    const child = network.node.namespace.spawn(words, { stdio: ['ignore', 'ignore', 'pipe'] })
    let complaint = ''
    child.stderr?.on('data', (text: Buffer) => {
      complaint += text
    })
    const [code] = (await once(child, 'close')) as [number | null]
    if (code !== 0) throw new Error(`the frames could not be sent: ${complaint.trim()}`)
    const left = [
      ...(tooLong > 0 ? [`${tooLong} longer than a link can carry`] : []),
      ...(tooShort > 0 ? [`${tooShort} shorter than an Ethernet header`] : []),
    ]
    const without = left.length === 0 ? '' : `, without ${left.join(' and ')}`
    return `${grouped(capture.frames.length)} frames of ${file} sent into the pod${without}`
  })
  const replayed = capture.frames.map((frame) => toFrame(frame))
  return endTruth(stage, truth, { mtu, gap: undefined, replayed })
}
