/** The program itself, started as a user starts it. */
import type { ChildProcessByStdio } from 'node:child_process'
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import { readCapture } from '../../../wire/pcap.ts'
import { corruptEnd, hex, tcp4, udp4, udp6, vxlan } from '../../support/vxlan-datagrams.ts'

const program = new URL('../../../bin/vxtap', import.meta.url).pathname

interface Run {
  child: ChildProcessByStdio<null, Readable, Readable>
  out: () => string
  err: () => string
  raw: () => Buffer
  port: () => Promise<number>
  exit: Promise<number | null>
}

const children: Run[] = []
afterEach(async () => {
  for (const run of children.splice(0)) {
    run.child.kill('SIGKILL')
    await run.exit
  }
})

function receive(...args: string[]): Run {
  const child = spawn(program, ['receive', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (bytes: Buffer) => out.push(bytes))
  child.stderr.on('data', (bytes: Buffer) => err.push(bytes))
  const exit = new Promise<number | null>((resolve) => child.on('close', resolve))
  const text = (parts: Buffer[]) => Buffer.concat(parts).toString()
  const port = () =>
    new Promise<number>((resolve, reject) => {
      const look = () => {
        const found = /listening on .*:(\d+)\n/.exec(text(out) + text(err))
        if (found !== null) resolve(Number(found[1]))
      }
      child.stdout.on('data', look)
      child.stderr.on('data', look)
      child.on('close', () => reject(new Error(`it ended without listening: ${text(err)}`)))
      look()
    })
  const run = { child, out: () => text(out), err: () => text(err), raw: () => Buffer.concat(out), port, exit }
  children.push(run)
  return run
}

async function send(port: number, ...datagrams: Uint8Array[]): Promise<void> {
  const socket = createSocket('udp4')
  for (const datagram of datagrams) {
    await new Promise<void>((done) => socket.send(datagram, port, '127.0.0.1', () => done()))
  }
  await new Promise<void>((done) => socket.close(done))
}

describe('vxtap receive', () => {
  it('given --count 3 --strict and two faulty datagrams, shows the totals and exits 2', async () => {
    const run = receive('--port', '0', '--count', '3', '--strict')
    await send(await run.port(), vxlan(tcp4), vxlan(corruptEnd(udp4)), hex('08'))
    expect(await run.exit).toBe(2)
    expect(run.out()).toMatch(/^listening on \[::\]:\d+\nreceive buffer \d/)
    expect(run.out()).toMatch(/\nfault udp_checksum: .* UDP 10\.0\.0\.1:40000 -> 10\.0\.0\.2:53\)\n/)
    expect(run.out()).toMatch(
      /\n3 datagrams, .*\nverified 1, .*, faulty 2, oversize 0\nlost at this socket 0; flows 2\n/,
    )
    expect(run.out()).not.toContain('\x1b')
    expect(run.err()).toBe('')
  })

  it('given only sound datagrams, exits 0 although it is strict', async () => {
    const run = receive('--port', '0', '--count', '2', '--strict', '--address', '127.0.0.1', '--vni', '0x2a')
    await send(await run.port(), vxlan(tcp4), vxlan(udp6))
    expect(await run.exit).toBe(0)
  })

  it('given more than 255 faulty datagrams, exits 255', async () => {
    const run = receive('--port', '0', '--count', '300', '--strict')
    await send(await run.port(), ...new Array<Uint8Array>(300).fill(hex('08')))
    expect(await run.exit).toBe(255)
  })

  it('given --json, writes nothing but one JSON object to standard output', async () => {
    const run = receive('--port', '0', '--count', '1', '--json')
    await send(await run.port(), vxlan(udp6, 9))
    expect(await run.exit).toBe(0)
    expect(JSON.parse(run.out())).toMatchObject({
      datagrams: 1,
      verified: 1,
      faulty: 0,
      faults: {},
      lostAtSocket: 0,
      topFlows: [{ vni: 9, protocol: 'UDP', a: '[2001:db8::1]:40000', b: '[2001:db8::2]:53', framesAToB: 1 }],
    })
  })

  it('given --write -, writes a capture and nothing else to standard output', async () => {
    const run = receive('--port', '0', '--count', '2', '--write', '-')
    await send(await run.port(), vxlan(tcp4), vxlan(udp6))
    expect(await run.exit).toBe(0)
    expect(readCapture(run.raw()).frames.map((frame) => Uint8Array.from(frame.data))).toEqual([tcp4, udp6])
    expect(run.err()).toContain('2 frames written to standard output')
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('on %s, flushes the capture and ends with its totals', async (signal) => {
    const directory = mkdtempSync(join(tmpdir(), 'vxtap-receive-'))
    try {
      const path = join(directory, 'out.pcapng')
      const run = receive('--port', '0', '--interval', '0.05', '--write', path)
      await send(await run.port(), vxlan(tcp4), vxlan(corruptEnd(tcp4)))
      while (!run.out().includes('2 datagrams')) await new Promise((done) => run.child.stdout.once('data', done))
      run.child.kill(signal)
      expect(await run.exit).toBe(0)
      expect(run.out()).toMatch(/verified 1, .* faulty 1.*\n(.*\n)*2 frames written to /)
      expect(readCapture(readFileSync(path)).frames).toHaveLength(2)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it('given --duration, ends by itself', async () => {
    const run = receive('--port', '0', '--duration', '0.2')
    expect(await run.exit).toBe(0)
    expect(run.out()).toContain('0 datagrams, 0 B in 0.2 s')
  })

  it('given a port that is taken, names it and exits 1', async () => {
    const first = receive('--port', '0')
    const port = await first.port()
    const second = receive('--port', String(port))
    expect(await second.exit).toBe(1)
    expect(second.err()).toMatch(
      new RegExp(`^vxtap receive: cannot listen on UDP port ${port}: another program has it`),
    )
  })

  it.each([
    [['--port', '65536'], /whole number of 0 to 65535/],
    [['--vni', '16777216'], /whole number of 0 to 16777215/],
    [['--address', 'localhost'], /IPv4 or IPv6 address/],
    [['--interval', '0'], /seconds of 0\.01 to/],
    [['--json', '--write', '-'], /both want standard output/],
    [['--output', 'yaml'], /Allowed choices are text, json/],
  ])('given %o, refuses the command line with exit code 64', async (args, message) => {
    const run = receive(...args)
    expect(await run.exit).toBe(64)
    expect(run.err()).toMatch(message)
  })
})
