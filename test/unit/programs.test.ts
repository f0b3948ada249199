/**
 * Every program starts with plain `node`, which only strips types: vitest transforms sources by itself and would hide
 * what stripping alone cannot run. With the Node.js of the project, and with the oldest that package.json allows.
 */
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exitCodes } from '../../contract/exit-codes.ts'
import { version } from '../../contract/version.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const vxtap = join(root, 'bin/vxtap')
const entry = join(root, 'cli/main.ts')
const commands = readdirSync(join(root, 'cli/commands')).map((file) => file.replace(/\.ts$/, ''))
const nodes = { current: '.tools/node/bin/node', oldest: '.tools/node-oldest/bin/node' } as const

const manifest = `apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {"vxtap.io/inject": "true"}
  annotations: {"vxtap.io/sensor": zeek}
spec:
  containers:
    - {name: web, image: example.com/web:1}
`

const run = (program: string, parameters: readonly string[], input = '', env = process.env): SpawnSyncReturns<string> =>
  spawnSync(program, parameters, { cwd: root, encoding: 'utf8', input, env })

const node = (which: keyof typeof nodes, ...parameters: string[]): SpawnSyncReturns<string> =>
  run(join(root, nodes[which]), parameters)

describe('the oldest Node.js', () => {
  it('is the one that package.json names, so that the promise is the one that is tested', () => {
    const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const oldest = node('oldest', '--version').stdout.trim()
    expect(engines.node).toBe(`>=${oldest.slice(1).replace(/\.0$/, '')}`)
  })

  it('satisfies what every dependency that ships asks for', () => {
    const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
    const oldest = node('oldest', '--version').stdout.trim().slice(1)
    const wanting = Object.entries<{ dev?: boolean; engines?: { node?: string } }>(lock.packages)
      .filter(([path, { dev }]) => path !== '' && dev !== true)
      .filter(([, { engines }]) => engines?.node !== undefined && !satisfies(oldest, engines.node))
    expect(wanting.map(([path, { engines }]) => `${path} wants ${engines?.node}`)).toEqual([])
  })
})

describe.each(Object.keys(nodes) as (keyof typeof nodes)[])('with the %s Node.js', (which) => {
  it('the command line says its version and lists every command', () => {
    expect(node(which, entry, '--version').stdout).toBe(`${version}\n`)
    const help = node(which, entry, '--help')
    expect(help.status).toBe(0)
    for (const command of commands) expect(help.stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'))
  })

  it.each(commands)('vxtap %s shows its help', (command) => {
    const help = node(which, '--disable-warning=ExperimentalWarning', entry, command, '--help')
    expect(help).toMatchObject({ status: 0, stderr: '' })
    expect(help.stdout).toContain(`Usage: vxtap ${command}`)
  })

  it('vxtap inject adds the sidecar to a manifest', () => {
    const injected = run(join(root, nodes[which]), [entry, 'inject', '-f', '-'], manifest)
    expect(injected.status).toBe(0)
    expect(injected.stdout).toMatch(/- name: vxtap\n/)
    expect(injected.stdout).toContain('restartPolicy: Always')
  })

  it.each(programFiles())('%s and all that it imports can be loaded', (file) => {
    const script = `await import(${JSON.stringify(join(root, file))})`
    const loaded = node(which, '--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', script)
    expect(loaded).toMatchObject({ status: 0, stderr: '' })
  })

  it('the Kubernetes client library and koffi load', () => {
    const script = `
      const { KubeConfig } = await import('@kubernetes/client-node')
      const { default: koffi } = await import('koffi')
      new KubeConfig()
      const getpid = koffi.load(null).func('int getpid()')
      process.exitCode = getpid() === process.pid ? 0 : 1`
    expect(node(which, '--input-type=module', '--eval', script)).toMatchObject({ status: 0, stderr: '' })
  })
})

describe('bin/vxtap', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'vxtap-programs-'))
  beforeAll(() => {
    symlinkSync(vxtap, join(scratch, 'vxtap'))
    writeFileSync(join(scratch, 'list.json'), '[]')
  })
  afterAll(() => rmSync(scratch, { recursive: true }))

  it('runs through a symbolic link, from anywhere', () => {
    const started = spawnSync(join(scratch, 'vxtap'), ['--version'], { cwd: '/', encoding: 'utf8' })
    expect(started).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: '' })
  })

  it.each([
    ['an unknown command', ['sniff'], exitCodes.usage],
    ['an unknown flag', ['inject', '--no-such-flag'], exitCodes.usage],
    ['a file that is not there', ['inject', '-f', '/nonexistent.yaml'], exitCodes.noInput],
    ['a file that is no manifest', ['inject', '-f', join(scratch, 'list.json')], exitCodes.dataErr],
    ['no settings', ['sidecar'], exitCodes.config],
  ] as const)('passes the exit code on, given %s', (_what, parameters, { code }) => {
    const { SENSOR: _unset, ...environment } = process.env
    const ended = run(vxtap, parameters, '', environment)
    expect(ended.status).toBe(code)
    expect(ended.stderr).not.toBe('')
  })

  it('passes signals on and becomes the program, given SIGTERM', async () => {
    const receiver = spawn(vxtap, ['receive', '--port', '0', '--address', '127.0.0.1', '--json'], { cwd: root })
    try {
      await once(receiver.stderr, 'data')
      receiver.kill('SIGTERM')
      const [code, signal] = await once(receiver, 'exit')
      expect({ code, signal }).toEqual({ code: 0, signal: null })
    } finally {
      receiver.kill('SIGKILL')
    }
  })
})

/** What each command loads when it is called. */
function programFiles(): string[] {
  const files = commands.flatMap((command) => {
    const source = readFileSync(join(root, `cli/commands/${command}.ts`), 'utf8')
    return [...source.matchAll(/import\('\.\.\/\.\.\/([^']+)'\)/g)].map((match) => match[1] ?? '')
  })
  return [...new Set(files)]
}

/** As much of npm's ranges as package-lock.json uses: alternatives of `>=`, `^` and bare lower bounds. */
function satisfies(exact: string, range: string): boolean {
  const have = numbers(exact)
  return range.split('||').some((alternative) =>
    alternative
      .trim()
      .replaceAll(/([<>=^~])\s+/g, '$1')
      .split(/\s+/)
      .every((comparator) => {
        const match = /^(?<sign>>=|>|<|\^|~)?\s*v?(?<version>\d+(?:\.\d+){0,2})(?:\.x)*$/.exec(comparator)
        if (!match?.groups) return comparator === '*'
        const want = numbers(match.groups['version'] ?? '')
        const order = have.map((part, index) => part - (want[index] ?? 0)).find((difference) => difference !== 0) ?? 0
        switch (match.groups['sign']) {
          case '>=':
            return order >= 0
          case '>':
            return order > 0
          case '<':
            return order < 0
          default:
            return have[0] === want[0] && order >= 0
        }
      }),
  )
}

function numbers(text: string): number[] {
  return text.split('.').map(Number)
}
