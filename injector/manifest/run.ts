/** `vxtap inject`: reads manifests, injects, prints. Nothing is printed unless everything could be read. */
import { readFile } from 'node:fs/promises'
import { overridable } from '../../contract/annotations.ts'
import { exitCodes } from '../../contract/exit-codes.ts'
import { printable } from '../../contract/setting.ts'
import type { InjectionConfig } from '../plan.ts'
import { type Finding, injectManifest, type Manifest, namespacesIn, parseManifests } from './inject-manifest.ts'
import { kindsWithPods } from './templates.ts'

export interface InjectOptions {
  readonly version: string
  /** File names; `-` is standard input. */
  readonly files: readonly string[]
  /** Texts by annotation name, already validated. */
  readonly defaults: Readonly<Record<string, string>>
  readonly namespace: string
  readonly output: 'yaml' | 'json'
  readonly explain: boolean
  readonly all: boolean
}

export interface Streams {
  readonly stdin: AsyncIterable<Buffer | string>
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
}

/** @returns the exit code */
export async function inject(options: InjectOptions, streams: Streams): Promise<number> {
  const manifests: Manifest[] = []
  for (const file of options.files) {
    const source = file === '-' ? 'standard input' : file
    let text: string
    try {
      text = file === '-' ? await readAll(streams.stdin) : await readFile(file, 'utf8')
    } catch (error) {
      streams.stderr.write(`vxtap inject: cannot read ${source}: ${error instanceof Error ? error.message : error}\n`)
      return exitCodes.noInput.code
    }
    const parsed = parseManifests(source, text)
    if (!parsed.ok) {
      const { line, problem } = parsed.problem
      streams.stderr.write(
        `vxtap inject: ${source}${line === undefined ? '' : `:${line}`}: ${printable(problem, 300)}\n`,
      )
      return exitCodes.dataErr.code
    }
    manifests.push(...parsed.manifests)
  }
  const context = {
    config: configFor(options),
    cluster: { nativeSidecars: 'unknown' } as const,
    namespaces: namespacesIn(manifests),
    defaultNamespace: options.namespace,
  }
  const injected = manifests.map((manifest) => injectManifest(manifest, context))
  streams.stdout.write(
    options.output === 'json'
      ? asJson(injected.map(({ value }) => value).filter((value) => value !== null))
      : joinDocuments(injected.map(({ text }) => text)),
  )
  report(
    injected.flatMap(({ findings }) => findings),
    options.explain,
    streams,
  )
  return exitCodes.ok.code
}

/** Who writes the manifest is the operator here: everything may be set, addresses and image too. */
function configFor(options: InjectOptions): InjectionConfig {
  return {
    version: options.version,
    defaults: options.defaults,
    allowedOverrides: new Set(overridable),
    imagePullPolicy: 'IfNotPresent',
    excludedNamespaces: new Set(),
    podSecurity: 'skip',
    podSecurityDefault: 'privileged',
    withoutOptIn: options.all,
  }
}

async function readAll(stream: AsyncIterable<Buffer | string>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
  return Buffer.concat(chunks).toString('utf8')
}

/** Documents of one file carry their own separators; between files one may be missing. */
function joinDocuments(texts: readonly string[]): string {
  let joined = ''
  for (const text of texts) {
    if (text.trim() === '') continue
    const separated = joined === '' || /^(#[^\n]*\n|%[^\n]*\n|\s*\n)*---(\s|$)/.test(text) || /\n---\s*$/.test(joined)
    joined += separated ? text : `---\n${text}`
    if (!joined.endsWith('\n')) joined += '\n'
  }
  return joined
}

function asJson(values: readonly unknown[]): string {
  const value = values.length === 1 ? values[0] : { apiVersion: 'v1', kind: 'List', items: values }
  return `${JSON.stringify(value, undefined, 2)}\n`
}

/** Kind, name and namespace, where they are valid; a manifest is somebody else's text. */
const longestPlace = 400

function report(findings: readonly Finding[], explain: boolean, { stderr }: Streams): void {
  for (const { source, object, namespace, decision, notes } of findings) {
    const where = `${source}: ${printable(`${object} in ${namespace}`, longestPlace)}`
    if (explain) {
      const help = decision.remedy === '' ? '' : `; ${decision.remedy}`
      stderr.write(`${where}: ${decision.outcome} (${decision.reason}): ${decision.sentence}${help}\n`)
    }
    const warnings = explain
      ? decision.warnings.filter((warning) => !warning.includes(`(${decision.reason})`))
      : decision.warnings
    for (const text of [...warnings, ...notes]) stderr.write(`${where}: ${text}\n`)
  }
  if (explain && findings.length === 0) stderr.write(`no pods here: none of ${kindsWithPods.join(', ')}\n`)
  if (!explain && !findings.some(({ decision }) => decision.outcome === 'inject')) {
    stderr.write('vxtap inject: nothing was injected; --explain says why\n')
  }
}
