import { describe, expect, it } from 'vitest'
import { Console } from '../../../receiver/console.ts'
import type { ReceiveOptions } from '../../../receiver/options.ts'
import { Reception } from '../../../receiver/reception.ts'
import { report } from '../../../receiver/report.ts'
import { anyVni } from '../../../receiver/strict.ts'
import { corruptEnd, tcp4, vxlan } from '../../support/vxlan-datagrams.ts'

const options: ReceiveOptions = {
  address: '::',
  port: 4789,
  intervalSeconds: 5,
  top: 10,
  json: false,
  strict: false,
  bufferBytes: 1 << 20,
}

/** Runs a console through a life with one faulty datagram, and returns what came out. */
function life(changes: Partial<ReceiveOptions>, isTTY: boolean, environment: Record<string, string>) {
  const stdout: string[] = []
  const stderr: string[] = []
  const output = (lines: string[]) => ({ write: (text: string) => lines.push(text), isTTY, columns: 100, rows: 30 })
  const display = new Console({ ...options, ...changes }, output(stdout), output(stderr), environment)
  const reception = new Reception(anyVni, 8)
  display.listening('[::]:4789', ['receive buffer 1.0 MiB'])
  display.firstFault(reception.receive(vxlan(corruptEnd(tcp4))), reception, '::ffff:10.9.9.9')
  const now = report(reception, '[::]:4789', 1, { atSocket: 0, inKernel: null }, 10)
  display.tick(now)
  display.end(now, ['last'])
  return { stdout: stdout.join(''), stderr: stderr.join(''), tickMs: display.tickMs }
}

describe('Console', () => {
  it('on a terminal, draws a coloured table on a screen of its own at most four times a second', () => {
    const { stdout, tickMs } = life({}, true, { TERM: 'xterm' })
    expect(tickMs).toBeGreaterThanOrEqual(250)
    expect(stdout).toMatch(/^listening on \[::\]:4789\n/)
    const [, drawn, after] = stdout.split('\x1b[?1049')
    expect(drawn).toContain('\x1b[31mtcp_checksum 1')
    expect(drawn).toContain('10.0.0.1:40000 <-> 10.0.0.2:443')
    expect(after).toContain('last\n')
  })

  it('given NO_COLOR, draws the same without colours', () => {
    const { stdout } = life({}, true, { TERM: 'xterm', NO_COLOR: '1' })
    expect(stdout).toContain('\x1b[?1049h')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for.
    expect(stdout).not.toMatch(/\x1b\[[0-9;]*m/)
  })

  it.each([
    ['a terminal that can only print', true, { TERM: 'dumb' }],
    ['a pipe', false, { TERM: 'xterm' }],
  ])('on %s, writes plain lines at the interval, and the first fault of a kind', (_, isTTY, environment) => {
    const { stdout, tickMs } = life({}, isTTY, environment)
    expect(tickMs).toBe(5000)
    expect(stdout).not.toContain('\x1b')
    expect(stdout).toMatch(
      /fault tcp_checksum: .* \(first: from 10\.9\.9\.9, VNI 42, TCP 10\.0\.0\.1:40000 -> 10\.0\.0\.2:443\)\n1 s: 1 datagrams/,
    )
  })

  it.each([{ json: true }, { write: '-' }])('given %o, leaves standard output to it', (changes) => {
    const { stdout, stderr } = life(changes, false, {})
    expect(stderr).toMatch(/^listening on /)
    expect(stdout).toBe(changes.json === true ? `${JSON.stringify(JSON.parse(stdout))}\n` : '')
  })
})
