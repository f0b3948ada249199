/** The rules of the source tree that no compiler checks: which folder may import what, cycles, size, names, escape hatches. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { basename, dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const longestFile = 300

/** Folders, or folders in them, that a folder may import from, besides itself. What is not listed here may not import anything of ours. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  wire: [],
  contract: ['package.json'],
  injector: ['contract'],
  sidecar: ['wire', 'contract'],
  receiver: ['wire', 'contract'],
  status: ['contract', 'injector'],
  // The system calls are fenced in one place, whoever makes them.
  prepare: ['contract', 'sidecar/linux'],
  lab: ['wire', 'contract', 'injector', 'sidecar', 'receiver'],
  demo: ['wire', 'contract', 'injector', 'sidecar', 'receiver', 'lab', 'cli'],
  bench: ['wire', 'contract', 'injector', 'sidecar', 'receiver', 'lab', 'demo', 'cli', 'test'],
  cli: ['wire', 'contract', 'injector', 'sidecar', 'receiver', 'prepare', 'status', 'demo', 'lab'],
  image: ['contract', 'lab'],
  scripts: ['contract', 'wire', 'cli', 'demo', 'lab', 'receiver', 'bench'],
}

/** Product folders, in which a package is used only where its place is. */
const packagePlaces: Readonly<Record<string, readonly string[]>> = {
  koffi: ['sidecar/linux/'],
  cap: ['sidecar/linux/'],
  'raw-socket': ['sidecar/linux/'],
  '@kubernetes/client-node': ['injector/', 'status/', 'lab/'],
  '@peculiar/x509': ['injector/certificates/'],
  'reflect-metadata': ['injector/certificates/'],
  fastify: ['injector/'],
  'fast-json-patch': ['injector/', 'lab/'],
  commander: ['cli/', 'scripts/docs/'],
  esbuild: ['scripts/'],
  pino: ['injector/', 'sidecar/'],
  'prom-client': ['injector/', 'sidecar/'],
  yaml: ['injector/', 'lab/', 'demo/', 'cli/', 'scripts/docs/'],
}

interface Import {
  readonly from: string
  readonly specifier: string
  readonly typeOnly: boolean
}

function files(): string[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '*.ts'], {
    cwd: root,
    encoding: 'utf8',
  })
  return listed.split('\0').filter((file) => file !== '' && !file.endsWith('.d.ts'))
}

const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const folder = (file: string): string => file.split('/')[0] ?? ''
const isOurs = (specifier: string): boolean => specifier.startsWith('.')
const resolved = ({ from, specifier }: Import): string => normalize(join(dirname(from), specifier))

const withoutComments = (source: string): string =>
  source.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '')

const withoutStrings = (source: string): string => source.replaceAll(/'[^'\n]*'|`[^`]*`|\/(?![*/ ])[^/\n]+\//g, "''")

/** Strings and comments may contain the word import; a statement starts its line or stands in an expression's `import(`. */
function importsOf(from: string): Import[] {
  const source = withoutComments(read(from))
  const statements = source.matchAll(
    /^(?:import|export)\s+(?<type>type\s)?(?:[^'";]*?\sfrom\s+)?'(?<specifier>[^']+)'/gm,
  )
  const expressions = source.matchAll(/\bimport\('(?<specifier>[^']+)'\)/g)
  return [...statements, ...expressions].map((match) => ({
    from,
    specifier: match.groups?.['specifier'] ?? '',
    typeOnly: match.groups?.['type'] !== undefined,
  }))
}

const packageName = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

const all = files()
const sources = all.filter((file) => !file.startsWith('test/') && file.includes('/'))
const imports = sources.flatMap(importsOf)

describe('imports', () => {
  it('point one way between folders', () => {
    const wrong = imports
      .filter((one) => isOurs(one.specifier))
      .filter((one) => {
        const target = resolved(one)
        const allowed = [folder(one.from), ...(mayImport[folder(one.from)] ?? [])]
        return !allowed.some((place) => target === place || target.startsWith(`${place}/`))
      })
    expect(wrong.map((one) => `${one.from} imports ${resolved(one)}`)).toEqual([])
  })

  it('name a file that exists, with its extension', () => {
    const known = new Set([...all, 'package.json'])
    const wrong = imports.filter((one) => isOurs(one.specifier) && !known.has(resolved(one)))
    expect(wrong.map((one) => `${one.from} imports ${one.specifier}`)).toEqual([])
  })

  it('do not go in circles, types apart', () => {
    const edges = new Map<string, string[]>()
    for (const one of imports.filter(({ specifier, typeOnly }) => isOurs(specifier) && !typeOnly)) {
      edges.set(one.from, [...(edges.get(one.from) ?? []), resolved(one)])
    }
    expect(circle(edges)).toBeUndefined()
  })

  it('of a package stand only where the package has its place', () => {
    const wrong = imports.filter(({ from, specifier }) => {
      const places = packagePlaces[packageName(specifier)]
      return places !== undefined && folder(from) !== 'bench' && !places.some((place) => from.startsWith(place))
    })
    expect(wrong.map((one) => `${one.from} imports ${one.specifier}`)).toEqual([])
  })

  it('of a package name one that package.json declares', () => {
    const { dependencies, optionalDependencies, devDependencies } = JSON.parse(read('package.json'))
    const declared = new Set(Object.keys({ ...dependencies, ...optionalDependencies, ...devDependencies }))
    const builtin = new Set([...builtinModules, ...builtinModules.map((name) => `node:${name}`)])
    const wrong = imports
      .filter((one) => !isOurs(one.specifier) && !builtin.has(one.specifier))
      .filter((one) => !declared.has(packageName(one.specifier)))
    expect(wrong.map((one) => `${one.from} imports ${one.specifier}`)).toEqual([])
  })

  it('of what ships come from dependencies, not from devDependencies', () => {
    const development = new Set(Object.keys(JSON.parse(read('package.json')).devDependencies))
    const shipped = ['wire', 'contract', 'injector', 'sidecar', 'receiver', 'prepare', 'status']
    const wrong = imports.filter(
      (one) => shipped.includes(folder(one.from)) && development.has(packageName(one.specifier)),
    )
    expect(wrong.map((one) => `${one.from} imports ${one.specifier}`)).toEqual([])
  })

  it('of Node.js built-ins are written with node:', () => {
    const wrong = imports.filter((one) => builtinModules.includes(one.specifier))
    expect(wrong.map((one) => `${one.from} imports ${one.specifier}`)).toEqual([])
  })
})

describe('source files', () => {
  it(`have at most ${longestFile} lines`, () => {
    const long = sources.map((file) => ({ file, lines: read(file).split('\n').length - 1 }))
    expect(long.filter(({ lines }) => lines > longestFile)).toEqual([])
  })

  it('have names in kebab-case that say what they are', () => {
    const wrong = all.filter((file) => {
      const name = basename(file).replace(/(\.property)?(\.test|\.config|\.bench)?\.ts$/, '')
      return !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) || /^(utils?|helpers?|common|misc|shared)$/.test(name)
    })
    expect(wrong).toEqual([])
  })

  it('have named exports only', () => {
    expect(sources.filter((file) => /^export default/m.test(read(file)))).toEqual([])
  })

  it('do not switch the type checker off', () => {
    // Put together here, so that this file does not find itself. The word in a comment is no code, a switch is.
    const untyped = /\bas any\b|:\s*any\b|<any\b/
    const off = new RegExp(`@ts-(${['ig' + 'nore', 'no' + 'check', 'expect-' + 'error'].join('|')})`)
    const wrong = all.filter(
      (file) => off.test(read(file)) || untyped.test(withoutStrings(withoutComments(read(file)))),
    )
    expect(wrong).toEqual([])
  })

  it('leave nothing for later', () => {
    const marks = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X'].join('|')})\\b`)
    expect(sources.filter((file) => marks.test(read(file)))).toEqual([])
  })

  it('touch the environment, signals and the exit code only where a program starts', () => {
    const product = sources.filter((file) => /^(wire|contract|injector|sidecar|receiver|prepare|status)\//.test(file))
    const wrong = product
      .filter((file) => /\bprocess\.(env|exit|exitCode|on)\b/.test(read(file)))
      .filter((file) => !file.endsWith('/main.ts'))
    expect(wrong).toEqual([])
  })
})

describe('the search for imports', () => {
  it('sees statements, types, and programs that are loaded when they are called', () => {
    const found = importsOf('cli/commands/injector.ts')
    expect(found).toContainEqual({ from: 'cli/commands/injector.ts', specifier: 'commander', typeOnly: true })
    expect(found.map((one) => one.specifier)).toContain('../../injector/main.ts')
    expect(imports.length).toBeGreaterThan(sources.length)
  })
})

describe('the search for circles', () => {
  it('finds one, given files that import each other', () => {
    expect(
      circle(
        new Map([
          ['a', ['b']],
          ['b', ['c', 'd']],
          ['d', ['b']],
        ]),
      ),
    ).toEqual(['b', 'd', 'b'])
  })
})

function circle(edges: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const finished = new Set<string>()
  const path: string[] = []
  const walk = (file: string): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file]
    if (finished.has(file)) return undefined
    path.push(file)
    for (const next of edges.get(file) ?? []) {
      const found = walk(next)
      if (found) return found
    }
    path.pop()
    finished.add(file)
    return undefined
  }
  for (const file of edges.keys()) {
    const found = walk(file)
    if (found) return found
  }
  return undefined
}
