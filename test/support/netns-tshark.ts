/** tshark as the judge: it shares nothing with the sidecar and has no patience with wrong checksums. */
import { rmSync, writeFileSync } from 'node:fs'
import { run } from '../../lab/network/command.ts'

export interface Judgement {
  readonly frames: number
  /** How many checksums of IP, TCP and UDP were found right. */
  readonly good: number
  /** A line for each frame with a wrong checksum or that tshark calls malformed. */
  readonly complaints: readonly string[]
}

const fields = ['frame.number', 'ip.checksum.status', 'tcp.checksum.status', 'udp.checksum.status', '_ws.malformed']
const statusBad = '0'
const statusGood = '1'

let files = 0

/** @param ports TCP and UDP ports with arbitrary bytes, which tshark shall not try to understand as a protocol's */
export async function judge(frames: readonly Buffer[], ports: readonly number[] = []): Promise<Judgement> {
  const file = `/run/judge-${files++}.pcap`
  writeFileSync(file, pcapFile(frames))
  const checks = ['ip', 'tcp', 'udp'].flatMap((name) => ['-o', `${name}.check_checksum:TRUE`])
  const preferences = ['-o', 'tcp.desegment_tcp_streams:FALSE', '-o', 'tcp.analyze_sequence_numbers:FALSE']
  const opaque = ports.flatMap((port) => ['-d', `tcp.port==${port},data`, '-d', `udp.port==${port},data`])
  const output = await run(
    [
      'tshark',
      '-n',
      '-r',
      file,
      ...opaque,
      ...checks,
      ...preferences,
      '-T',
      'fields',
      ...fields.flatMap((name) => ['-e', name]),
    ],
    { timeoutMs: 120_000 },
  )
  rmSync(file)
  const lines = output.split('\n').filter((line) => line !== '')
  let good = 0
  const complaints: string[] = []
  for (const line of lines) {
    const [, ip = '', tcp = '', udp = '', malformed = ''] = line.split('\t')
    const statuses = [ip, tcp, udp].flatMap((text) => text.split(',')).map((text) => text.trim())
    good += statuses.filter((status) => status === statusGood).length
    if (statuses.includes(statusBad) || malformed !== '') complaints.push(line)
  }
  return { frames: lines.length, good, complaints }
}

function pcapFile(frames: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(0xa1b2c3d4, 0)
  header.writeUInt16LE(2, 4)
  header.writeUInt16LE(4, 6)
  header.writeUInt32LE(262_144, 16)
  header.writeUInt32LE(1, 20)
  const records = frames.flatMap((frame) => {
    const record = Buffer.alloc(16)
    record.writeUInt32LE(frame.length, 8)
    record.writeUInt32LE(frame.length, 12)
    return [record, frame]
  })
  return Buffer.concat([header, ...records])
}
