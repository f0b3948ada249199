/** `vxtap demo`: the whole product on one machine. */
import { readFileSync } from 'node:fs'
import { copyFile, mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { exitCodes } from '../contract/exit-codes.ts'
import { missingPrograms } from '../lab/network/command.ts'
import { readCapture } from '../wire/pcap.ts'
import { Display } from './display.ts'
import { type Replayable, replay, replayable } from './replay.ts'
import { runScenario } from './scenario.ts'

export interface DemoOptions {
  /** A capture file of the user's to replay, instead of the traffic of the demonstration. */
  readonly pcap: string | undefined
  /** Directory that the capture files are copied to. */
  readonly keep: string | undefined
}

/** Name of each program that is needed, and the Debian package that has it. */
const needed = {
  ip: 'iproute2',
  nsenter: 'util-linux',
  unshare: 'util-linux',
  setpriv: 'util-linux',
  dumpcap: 'tshark',
}

const interruptedCode = 130

/** Preconditions: runs inside scripts/sandbox.sh. Returns the exit code. */
export async function main(options: DemoOptions): Promise<number> {
  const { stdout } = process
  const terminal = stdout.isTTY === true && process.env['TERM'] !== 'dumb'
  const display = new Display({
    write: (text) => stdout.write(text),
    terminal,
    colours: terminal && !process.env['NO_COLOR'],
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      display.line(`  interrupted: the sandbox takes every process and interface with it`)
      process.exit(interruptedCode)
    })
  }
  const missing = missingPrograms(Object.keys(needed)) as (keyof typeof needed)[]
  if (missing.length > 0) {
    const packages = [...new Set(missing.map((program) => needed[program]))]
    process.stderr.write(
      `vxtap demo: missing on this machine: ${missing.join(', ')}. Run make setup, or install: ${packages.join(' ')}\n`,
    )
    return exitCodes.failure.code
  }
  let contents: Replayable | undefined
  if (options.pcap !== undefined) {
    const read = readReplayable(options.pcap)
    if (!read.ok) {
      process.stderr.write(`vxtap demo: ${read.problem}\n`)
      return read.code
    }
    contents = read.contents
  }
  display.line(display.style('bold', 'vxtap: what goes in and out of a pod, at the sensor'))
  display.line(
    display.style(
      'dim',
      'Pods are network namespaces with a veth eth0 on a bridge; programs, packets and kernel are real.',
    ),
  )
  display.line()
  const outcome =
    contents === undefined ? await runScenario(display) : await replay(display, options.pcap ?? '', contents)
  const { files, inOrder, notes, problems } = outcome
  if (options.keep !== undefined) {
    await mkdir(options.keep, { recursive: true })
    for (const file of files) await copyFile(file, join(options.keep, basename(file)))
    display.item('captures', `${files.map((file) => basename(file)).join(', ')} in ${options.keep}`)
  }
  for (const note of notes) display.item('', display.style('yellow', note))
  for (const problem of problems) display.item('', display.style('red', problem))
  const good = `${options.pcap === undefined ? 'outside of the gap, ' : ''}every frame of the wire is at the sensor, once and unchanged${inOrder ? ', every flow in order' : ''}`
  display.item(
    'verdict',
    problems.length === 0 ? display.style('green', good) : display.style('red', 'not as it should be'),
  )
  await outcome.close()
  return problems.length === 0 ? exitCodes.ok.code : exitCodes.failure.code
}

type ReadResult =
  | { readonly ok: true; readonly contents: Replayable }
  | { readonly ok: false; readonly code: number; readonly problem: string }

function readReplayable(file: string): ReadResult {
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    return { ok: false, code: exitCodes.noInput.code, problem: `cannot read ${file}: ${(error as Error).message}` }
  }
  try {
    return { ok: true, contents: replayable(readCapture(bytes)) }
  } catch (error) {
    return {
      ok: false,
      code: exitCodes.dataErr.code,
      problem: `${file} cannot be replayed: ${(error as Error).message}`,
    }
  }
}
