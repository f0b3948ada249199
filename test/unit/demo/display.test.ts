import { describe, expect, it } from 'vitest'
import { columns, Display, grouped } from '../../../demo/display.ts'
import { parseCounters } from '../../../demo/evidence.ts'
import { patchText } from '../../../demo/patch-text.ts'

function display(terminal: boolean, colours: boolean) {
  const written: string[] = []
  return { written, display: new Display({ write: (text) => written.push(text), terminal, colours }) }
}

describe('what the demonstration prints', () => {
  it('is whole lines without control characters where there is no terminal', async () => {
    const { written, display: plain } = display(false, false)
    await plain.step('label', 'doing it', async () => plain.style('green', 'done'))
    expect(written.join('')).toMatch(/^ {2}label {8}done {2}\d+\.\d s\n$/)
  })

  it('shows on a terminal what is waited for, and puts the result in its place', async () => {
    const { written, display: live } = display(true, false)
    await live.step('label', 'doing it', async () => 'done')
    expect(written[0]).toContain('doing it ...')
    expect(written[1]).toBe('\r\u001b[2K')
    expect(written[2]).toContain('done')
  })

  it('has colours only where asked for', () => {
    expect(display(true, true).display.style('red', 'x')).toBe('\u001b[31mx\u001b[0m')
    expect(display(true, false).display.style('red', 'x')).toBe('x')
  })

  it('lines up columns and groups digits', () => {
    expect(
      columns([
        ['a', 'one'],
        ['long', grouped(1234567)],
      ]),
    ).toEqual(['a            one', 'long   1 234 567'])
  })
})

describe('the patch as text', () => {
  const container = {
    name: 'vxtap',
    ports: [{ containerPort: 1 }],
    env: [
      { name: 'SENSOR', value: 'sensor' },
      { name: 'POD_NAME', valueFrom: {} },
    ],
  }
  const patch = [{ op: 'add', path: '/spec/initContainers', value: [container] }]

  it('keeps operations and settings, and leaves out what only takes room', () => {
    expect(patchText(patch, 1000)).toEqual([
      '{"op":"add","path":"/spec/initContainers","value":[{"name":"vxtap","env":[{"name":"SENSOR","value":"sensor"}]}]}',
    ])
  })

  it('loses nothing by wrapping', () => {
    const lines = patchText(patch, 40)
    expect(lines.length).toBeGreaterThan(1)
    expect(lines.map((line) => line.trimStart()).join('')).toBe(patchText(patch, 1000)[0])
  })
})

describe("the sidecar's counters", () => {
  it('are read from the Prometheus text, drops by reason', () => {
    const text = [
      '# HELP vxtap_captured_frames_total x',
      'vxtap_captured_frames_total 12',
      'vxtap_sent_frames_total 9',
      'vxtap_dropped_frames_total{reason="no_sensor"} 3',
      'vxtap_dropped_frames_total{reason="ring_full"} 0',
    ].join('\n')
    expect(parseCounters(text)).toEqual({ captured: 12, sent: 9, dropped: { no_sensor: 3 } })
  })

  it('are not a number where they are absent, rather than 0', () => {
    expect(parseCounters('').captured).toBeNaN()
  })
})
