/** Go programs out of their modules, fetched and verified by the go command itself. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../../../lab/network/command.ts'
import { goProgram } from './toolchain.ts'

export interface GoBuild {
  /** Module that the go.mod requires, and its version with the leading v. */
  readonly module: string
  readonly version: string
  /** Package to build, and the program's name. */
  readonly packagePath: string
  readonly program: string
  readonly toolchain?: string
  /** Linker's -X settings. */
  readonly variables?: Readonly<Record<string, string>>
}

const quietMs = 15_000

/**
 * Builds one program into `folder`, at the lowest priority, and says every 15 s how far it is.
 * A module of our own requires the program's: `go install` refuses modules with replace lines, and a dependent does not
 * inherit them, so they are read from the program's own go.mod.
 */
export async function buildGo(build: GoBuild, folder: string): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'vxtap-go-'))
  try {
    const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=mod', GOTOOLCHAIN: build.toolchain ?? 'auto' }
    const go = await goProgram()
    writeFileSync(join(work, 'go.mod'), await moduleFile(go, build, env))
    const settings = Object.entries(build.variables ?? {}).map(([name, value]) => ` -X ${name}=${value}`)
    const flags = ['-v', '-trimpath', '-buildvcs=false', '-ldflags', `-s -w${settings.join('')}`]
    await compile(
      build.program,
      [go, 'build', ...flags, '-o', join(folder, build.program), build.packagePath],
      work,
      env,
    )
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

async function moduleFile(go: string, build: GoBuild, env: NodeJS.ProcessEnv): Promise<string> {
  const { GoMod } = JSON.parse(
    await run([go, 'mod', 'download', '-json', `${build.module}@${build.version}`], {
      env: env as Record<string, string>,
      timeoutMs: 600_000,
    }),
  )
  const original = await run([go, 'mod', 'edit', '-json', GoMod])
  return goModOf(build, JSON.parse(original))
}

interface OwnGoMod {
  readonly Go: string
  readonly Require?: readonly { readonly Path: string; readonly Version: string }[]
}

/**
 * The go.mod that requires a program's module. Kubernetes requires its staging modules as v0.0.0 and replaces them by
 * folders of its repository; published they are v0.MINOR.PATCH. The `go` line is the program's own: GODEBUG's defaults
 * hang on it.
 */
export function goModOf(build: Pick<GoBuild, 'module' | 'version'>, own: OwnGoMod): string {
  const staging = (own.Require ?? []).filter(({ Version }) => Version === 'v0.0.0').map(({ Path }) => Path)
  const published = build.version.replace(/^v\d+/, 'v0')
  return [
    'module vxtap.invalid/programs',
    `go ${own.Go}`,
    `require ${build.module} ${build.version}`,
    ...staging.map((path) => `replace ${path} => ${path} ${published}`),
    '',
  ].join('\n')
}

function compile(program: string, argv: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<void> {
  const started = Date.now()
  const seconds = () => Math.round((Date.now() - started) / 1000)
  let packages = 0
  let last = ''
  const say = (text: string) => process.stdout.write(`[cluster] ${program}: ${text}\n`)
  say('building')
  return new Promise((resolve, reject) => {
    const child = spawn('nice', ['-n', '19', ...argv], { cwd, env, stdio: ['ignore', 'inherit', 'pipe'] })
    const timer = setInterval(() => say(`${packages} packages, ${seconds()} s`), quietMs)
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      packages += text.split('\n').length - 1
      last = (last + text).slice(-4000)
    })
    child.on('error', reject)
    child.on('close', (code) => {
      clearInterval(timer)
      if (code !== 0) return reject(new Error(`building ${program} failed:\n${last}`))
      say(`built in ${seconds()} s`)
      resolve()
    })
  })
}
