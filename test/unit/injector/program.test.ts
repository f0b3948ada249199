import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { type InjectorProcess, startInjectorProcess } from '../../support/injector-process.ts'
import { post } from '../../support/injector-server.ts'
import { pod, review } from './fixtures.ts'

const body = JSON.stringify(review(pod()))

describe('vxtap injector', () => {
  let injector: InjectorProcess | undefined
  let agent: Agent | undefined
  afterEach(async () => {
    agent?.destroy()
    await injector?.stop()
    injector = undefined
  })

  it('serves, writes one line for each decision, drains on SIGTERM and ends with 0', async () => {
    injector = await startInjectorProcess({ DRAIN_SECONDS: '4' })
    agent = new Agent({ ca: injector.certificate.cert, keepAlive: true })
    expect((await post(injector.port, agent, body)).status).toBe(200)
    injector.child.kill('SIGTERM')
    await sleep(200)
    expect((await post(injector.port, agent, body)).status).toBe(200)
    expect(await injector.stop()).toBe(0)
    expect(injector.log.filter((line) => 'reason' in line)).toEqual([
      expect.objectContaining({
        reason: 'injected',
        outcome: 'inject',
        namespace: 'shop',
        pod: 'web',
        msg: 'the pod opts in',
      }),
      expect.objectContaining({ reason: 'injected' }),
    ])
  })

  it('given no service account, says that it serves without knowledge of the cluster, and is ready', async () => {
    injector = await startInjectorProcess({ KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: '1' }, [])
    expect(injector.log.filter(({ level }) => level !== 30)).toEqual([
      expect.objectContaining({ msg: expect.stringContaining('not watched, because there is no service account') }),
    ])
    expect((await fetch(`http://127.0.0.1:${injector.metricsPort}/readyz`)).status).toBe(200)
  })

  it('given wrong settings, names each of them and ends with 78', async () => {
    const failure = startInjectorProcess({ IMAGE: '', VNI: '7', DEFAULT_VNI: 'x', DRAIN_SECONDS: '-1' }).then(
      () => 'it served',
      (error: Error) => error.message,
    )
    const lines = (await failure).split('\n')
    expect(lines[0]).toMatch(/^exit code 78: vxtap injector: /)
    expect(lines.filter((line) => /IMAGE is not set|DEFAULT_VNI="x"|DRAIN_SECONDS="-1"/.test(line))).toHaveLength(3)
  })

  it('given no certificate, says which file and ends with 78', async () => {
    await expect(startInjectorProcess({ TLS_CERT_FILE: '/nowhere/tls.crt' })).rejects.toThrow(
      /exit code 78: .*\/nowhere\/tls\.crt/,
    )
  })

  it('given an address in use, says so and ends with 1', async () => {
    injector = await startInjectorProcess()
    await expect(startInjectorProcess({ LISTEN_ADDRESS: `127.0.0.1:${injector.port}` })).rejects.toThrow(
      /exit code 1: vxtap injector: cannot serve: .*EADDRINUSE/,
    )
  })
})

describe('the command line', () => {
  const run = promisify(execFile)
  const program = fileURLToPath(new URL('../../../cli/main.ts', import.meta.url))
  const outcome = (...args: string[]) =>
    run(process.execPath, [program, ...args]).then(
      ({ stdout }) => ({ code: 0, stdout, stderr: '' }),
      (failed: { code: number; stdout: string; stderr: string }) => failed,
    )

  it('of vxtap inject explains itself', async () => {
    const { code, stdout } = await outcome('inject', '--help')
    expect(code).toBe(0)
    for (const word of ['--filename', '--sensor', '--explain', '--all', 'CronJob', 'vxtap.io/inject', 'Exit codes']) {
      expect(stdout).toContain(word)
    }
  })

  it('of vxtap inject, whose reader has gone, says so and ends with 1', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'vxtap-inject-'))
    const manifest = join(directory, 'pods.yaml')
    await writeFile(manifest, '---\nkind: Pod\nmetadata: {name: web}\n'.repeat(5000))
    const child = spawn(process.execPath, [program, 'inject', '-f', manifest], { stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.destroy()
    const ended = once(child, 'exit')
    const complaint = (await child.stderr.toArray()).join('')
    const [code] = await ended
    await rm(directory, { recursive: true })
    expect({ code, complaint }).toEqual({
      code: 1,
      complaint: expect.stringMatching(/vxtap inject: cannot write the result: its reader has gone\n$/),
    })
  })

  it.each([
    [['inject'], /--filename/],
    [['inject', '-f', '-', '--sensor', 'a b'], /label value/],
    [['inject', '-f', '-', '--native-sidecars', 'maybe'], /always, never/],
    [['inject', '-f', '-', '--output', 'xml'], /yaml, json/],
  ])('%j is refused with 64 and says what is allowed', async (args, sentence) => {
    expect(await outcome(...args)).toMatchObject({ code: 64, stderr: expect.stringMatching(sentence) })
  })
})
