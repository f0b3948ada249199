/** The demonstration as a user runs it: it proves its point, and leaves nothing behind, however it ends. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'

const program = fileURLToPath(new URL('../../bin/vxtap', import.meta.url))
const running: ChildProcess[] = []

interface Demo {
  readonly child: ChildProcess
  readonly output: () => string
}

/** In a sandbox of its own, and in a process group of its own as a shell would have it. */
function startDemo(...words: readonly string[]): Demo {
  const { VXTAP_SANDBOX: _outer, ...environment } = process.env
  const child = spawn(program, ['demo', ...words], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  running.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (text: Buffer) => {
      output += text
    })
  }
  return { child, output: () => output }
}

/** What the demonstration runs, itself included. These tests have a process namespace of their own: nobody else does. */
function processes(): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const command = /^\d+$/.test(pid) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ') : ''
      return /cli\/main\.ts|demo\/workloads|dumpcap|sleep infinity|unshare --net/.test(command) ? [command] : []
    } catch {
      // It ended while the list was read.
      return []
    }
  })
}

async function saying(demo: Demo, text: string): Promise<void> {
  const deadline = Date.now() + 30_000
  while (!demo.output().includes(text)) {
    if (Date.now() > deadline || demo.child.exitCode !== null) throw new Error(`never said ${text}: ${demo.output()}`)
    await sleep(20)
  }
}

const mounts = () => readFileSync('/proc/self/mounts', 'utf8')
const interfaces = () => readFileSync('/proc/net/dev', 'utf8').match(/^ *\S+(?=:)/gm)

afterEach(() => {
  for (const child of running.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, 'SIGKILL')
  }
})

describe('vxtap demo', () => {
  it('finds every frame at the sensor and exits with 0, leaving nothing', async () => {
    const before = { mounts: mounts(), interfaces: interfaces() }
    const demo = startDemo()
    const [code] = await once(demo.child, 'close')
    expect(demo.output()).toContain('every frame of the wire is at the sensor, once and unchanged')
    expect(code).toBe(0)
    const all = /^ {2}all .*$/m.exec(demo.output())?.[0].trim().split(/ {3,}/) ?? []
    expect(all.slice(-3)).toEqual(['0', '0', '0'])
    expect(processes()).toEqual([])
    expect({ mounts: mounts(), interfaces: interfaces() }).toEqual(before)
  })

  it.each(['  sensor ', '  ping '])('ends at once at a Ctrl-C after "%s" and leaves nothing', async (step) => {
    const before = { mounts: mounts(), interfaces: interfaces() }
    const demo = startDemo()
    await saying(demo, step)
    expect(processes().join()).toMatch(/cli\/main\.ts receive/)
    const interrupted = performance.now()
    process.kill(-demo.child.pid!, 'SIGINT')
    const [code] = await once(demo.child, 'close')
    expect(performance.now() - interrupted).toBeLessThan(10_000)
    expect(code).toBe(130)
    expect(processes()).toEqual([])
    expect({ mounts: mounts(), interfaces: interfaces() }).toEqual(before)
  })

  it('takes everything with it when it is told to terminate', async () => {
    const demo = startDemo()
    await saying(demo, '  pod ')
    demo.child.kill('SIGTERM')
    const [code] = await once(demo.child, 'close')
    expect(code).not.toBe(0)
    await expect.poll(() => processes(), { timeout: 20_000 }).toEqual([])
  })

  it('says which file it cannot replay, with the exit codes of sysexits.h', async () => {
    for (const [file, expected] of [
      ['/nowhere.pcap', 66],
      [program, 65],
    ] as const) {
      const demo = startDemo('--pcap', file)
      const [code] = await once(demo.child, 'close')
      expect(demo.output()).toContain(file)
      expect(code).toBe(expected)
    }
  })
})
