/**
 * What a tap costs, and what it loses, beside others in the same run: `make bench`, under ten minutes; `QUICK=1` under
 * one and a half; `ONLY=` names contestants, workloads or placements. docs/performance.md says how it is measured.
 *
 * A whole run is kept in bench/results/dataplane.json, of which `make docs` makes the document; any other in build/bench.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { dirname, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compare } from './compare.ts'
import { contestants } from './contestants.ts'
import { createAccount, findHierarchy } from './control-group.ts'
import { type Selection, select, type Workload, workloads } from './matrix.ts'
import type { Accounts } from './measure.ts'
import { problemsOf, type Results } from './results.ts'
import { Scene } from './scene.ts'
import { measureSidecar } from './sidecar.ts'
import { blocks, painted, plain, sidecarLines, verdictLines } from './table.ts'
import { verdicts } from './verdict.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
/** Every which arrival at the sensor is looked at; a prime, so that it falls on all places of a batch. */
const sample = 251
/** Seconds of a whole run, its start included, that leave room below ten minutes. */
const wholeSeconds = 580
const spent = { quick: { udp: 0.4, runs: 1 }, whole: { udp: 0.6, runs: 3 } }
/**
 * Ten periods of the quota. The ring's 26 MiB hold half of such a load at 240,000 of the smallest frames a second, so a
 * sample has its backlog, and a bar of loss a limit for it.
 */
const quotaSeconds = 1
const warmUpSeconds = 2
/** One of each kind, of which those are met that are measured at all; segments are cut anew where they must fit. */
const warmUps = workloads.filter(({ name }) => ['udp-512-max', 'http', 'tcp', 'tcp-mtu-1500'].includes(name))

const say = (text: string): boolean => process.stdout.write(`${text}\n`)

function machine(): string {
  const kernel = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim()
  return `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), Linux ${kernel}, Node ${process.version}`
}

function commit(): string {
  try {
    const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trim()
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', '.', ':!bench/results', ':!docs')
    return `${git('rev-parse', '--short=12', 'HEAD')}${changed === '' ? '' : ' with changes'}`
  } catch {
    return 'unknown'
  }
}

function openAccounts(): Accounts {
  const hierarchy = findHierarchy(readFileSync('/proc/self/mounts', 'utf8'), (at) =>
    readFileSync(`${at}/cgroup.controllers`, 'utf8'),
  )
  const parent = process.env['VXTAP_CONTROL_GROUP']
  if (parent === undefined)
    throw new Error('VXTAP_CONTROL_GROUP is not set: run this through scripts/bench.sh, which also cleans up')
  const account = (name: string) => createAccount(hierarchy, parent, name)
  return { load: account('load'), tap: account('tap'), sensor: account('sensor') }
}

async function main(): Promise<void> {
  const selection: Selection = { quick: process.env['QUICK'] === '1', only: process.env['ONLY'] ?? '' }
  const entrants = contestants.filter(({ slow }) => !(selection.quick && selection.only === '' && slow))
  const chosen = select(
    selection,
    entrants.map(({ name }) => name),
  )
  if (availableParallelism() < 2)
    throw new Error('with one core there is none for the tap to have alone: two are needed')
  const begun = performance.now()
  const whole = !selection.quick && selection.only === ''
  const { udp: udpSeconds, runs } = selection.quick ? spent.quick : spent.whole
  const few = select({ quick: true, only: '' }, [])
  const terminal = process.stdout.isTTY
  const progress = (text: string) => (terminal ? process.stdout.write(`\r\x1b[K${text}`) : say(text))
  say(`${machine()}\n`)
  if (selection.only === '') progress('a sidecar at rest')
  const sidecar =
    selection.only === '' ? await measureSidecar(selection.quick ? 3 : 5, selection.quick ? 3 : 8) : undefined
  const accounts = openAccounts()
  const scene = await Scene.create({ sample, servers: true })
  for (const pid of scene.app) accounts.load.add(pid)
  const failures: string[] = []
  const cells = await compare({
    scene,
    accounts,
    contestants: entrants.filter(({ name }) => chosen.contestants.includes(name)),
    cellsOf: ({ slow }) => (whole && slow ? few.cells : chosen.cells),
    runs,
    bounds: ({ kind }: Workload, placement) => ({
      seconds: kind === 'udp' && placement !== 'quota' ? udpSeconds : quotaSeconds,
      packets: 0,
    }),
    warmUps: warmUps
      .filter(({ kind }) => chosen.cells.some(({ workload }) => workload.kind === kind))
      .map((workload) => ({ workload, bounds: { seconds: warmUpSeconds, packets: 0 } })),
    deadline: whole ? wholeSeconds * 1000 : Number.POSITIVE_INFINITY,
    progress,
    failed: (sentence) => {
      failures.push(sentence)
      say(`${terminal ? '\r\x1b[K' : ''}could not be measured: ${sentence}`)
    },
  })
  await scene.close()
  const results: Results = {
    format: 1,
    date: new Date().toISOString(),
    machine: machine(),
    command: [
      'make bench',
      ...['QUICK', 'ONLY'].flatMap((name) => (process.env[name] ? [`${name}=${process.env[name]}`] : [])),
    ].join(' '),
    commit: commit(),
    runs: Math.max(0, ...cells.map((cell) => cell.samples.length)),
    seconds: Math.round((performance.now() - begun) / 1000),
    ...(sidecar === undefined ? {} : { sidecar }),
    contestants: contestants.map(({ name, title, how }) => ({ name, title, how })),
    cells,
    failures,
  }
  report(results, whole, terminal)
}

/** The file comes first: whatever becomes of the terminal, the figures are kept. */
function report(results: Results, whole: boolean, terminal: boolean): void {
  const file = `${root}${whole ? 'bench/results' : 'build/bench'}/dataplane.json`
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify(results, undefined, 1)}\n`)
  const paint = terminal && !process.env['NO_COLOR'] ? painted : plain
  say(`${terminal ? '\r\x1b[K' : ''}\nmedians of ${results.runs} runs, (smallest..largest)\n`)
  say(blocks(results, paint))
  for (const [what, value, bar] of results.sidecar ? sidecarLines(results.sidecar) : [])
    say(`${what.padEnd(36)} ${value.padStart(10)}   ${bar === '' ? '' : `bar: ${bar}`}`)
  const taken = whole ? '; make docs takes it into docs/performance.md' : ''
  say(
    `\n${verdictLines(
      verdicts(results).filter(({ met }) => met !== undefined),
      paint,
    )}\n\n${results.seconds} s; written: ${relative(root, file)}${taken}`,
  )
  const problems = problemsOf(results)
  if (problems.length > 0) throw new Error(`the results are not well-formed: ${problems.join('; ')}`)
}

try {
  await main()
} catch (error) {
  process.stderr.write(`[bench] ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
