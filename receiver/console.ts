/** Everything that the operator reads: a live table on a terminal, plain lines elsewhere, JSON where it was asked for. */
import { endText, peerText } from './address-text.ts'
import { faultCode, faults } from './faults.ts'
import type { ReceiveOptions } from './options.ts'
import type { Reception } from './reception.ts'
import type { Report } from './report.ts'
import { protocolText } from './report.ts'
import type { Palette } from './report-text.ts'
import { coloured, faultLines, flowLines, plain, progressLine, totalsLines } from './report-text.ts'
import type { Output } from './screen.ts'
import { Screen } from './screen.ts'
import { addressLength, destinationAt, sourceAt } from './verdict.ts'

/** Redrawing more often than this costs more than anybody can read. */
const redrawMs = 250
/** Room for a table that nobody's terminal limits. */
const unlimitedColumns = 160

export class Console {
  /** How often `tick` wants to be called. */
  readonly tickMs: number
  readonly #options: ReceiveOptions
  readonly #text: Output
  readonly #result: Output
  readonly #colour: Palette
  readonly #live: boolean
  #screen: Screen | undefined
  #before: Report | undefined

  /**
   * Lines for people go to standard output, unless JSON or a capture has that for itself.
   * @param environment TERM and NO_COLOR (no-color.org) decide on the live table and its colours
   */
  constructor(
    options: ReceiveOptions,
    stdout: Output,
    stderr: Output,
    environment: Readonly<Record<string, string | undefined>>,
  ) {
    this.#options = options
    this.#result = stdout
    this.#text = options.json || options.write === '-' ? stderr : stdout
    this.#live = this.#text.isTTY === true && environment['TERM'] !== 'dumb'
    this.#colour = this.#live && (environment['NO_COLOR'] ?? '') === '' ? coloured : plain
    this.tickMs = this.#live ? redrawMs : options.intervalSeconds * 1000
  }

  /** Says that the socket is bound; scripts wait for this line. */
  listening(shown: string, notes: string[]): void {
    this.#line(`listening on ${shown}`)
    for (const note of notes) this.#line(note)
    if (this.#live) this.#screen = new Screen(this.#text, this.#colour)
  }

  /** The first fault of its kind; the live table shows faults by itself. */
  firstFault(number: number, reception: Reception, peer: string): void {
    if (this.#screen !== undefined) return
    const code = faultCode(number)
    this.#line(`fault ${code}: ${faults[code]} (first: ${whose(reception, peerText(peer))})`)
  }

  tick(now: Report): void {
    if (this.#screen !== undefined) this.#screen.draw(now)
    else this.#line(progressLine(now, this.#before ?? { ...now, seconds: 0, datagrams: 0, bytes: 0 }))
    this.#before = now
  }

  end(now: Report, notes: string[]): void {
    this.#screen?.close()
    this.#screen = undefined
    const lines = [...totalsLines(now, this.#colour), ...faultLines(now, this.#colour)]
    lines.push(...flowLines(now.topFlows, this.#text.columns ?? unlimitedColumns, this.#colour), ...notes)
    for (const line of lines) this.#line(line)
    if (this.#options.json) this.#result.write(`${JSON.stringify(now)}\n`)
  }

  /** Gives the terminal back after a failure. */
  abandon(): void {
    this.#screen?.close()
    this.#screen = undefined
  }

  #line(text: string): void {
    this.#text.write(`${text}\n`)
  }
}

/** Which datagram it was, as far as its headers could be read. */
function whose(reception: Reception, peer: string): string {
  const { verdict, memory } = reception
  if (!verdict.hasFrame) return `from ${peer}`
  const vni = `from ${peer}, VNI ${verdict.vxlan.vni}`
  if (!verdict.hasEthernet) return vni
  const { ipVersion, protocol, etherType } = verdict.parsed
  const end = (at: number, port: number) => endText(memory.u8.subarray(at, at + addressLength(ipVersion)), port)
  const name = protocolText({ ipVersion, protocol: ipVersion === 0 ? etherType : protocol })
  return `${vni}, ${name} ${end(sourceAt(verdict), verdict.sourcePort)} -> ${end(destinationAt(verdict), verdict.destinationPort)}`
}
