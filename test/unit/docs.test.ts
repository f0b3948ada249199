/** Holds the documentation to the code: what is generated is up to date, and what is named exists. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import {
  annotationPrefix,
  annotationSettings,
  injectorAnnotations,
  sensorAnnotations,
} from '../../contract/annotations.ts'
import { type BlindSpotCode, blindSpotAnchor, blindSpots } from '../../contract/blind-spots.ts'
import { dropReasons } from '../../contract/drop-reasons.ts'
import { exitCodes } from '../../contract/exit-codes.ts'
import { injectionReasons, type ReasonCode, reasonAnchor } from '../../contract/injection-reasons.ts'
import { injectorMetrics } from '../../contract/injector-metrics.ts'
import { defaultVariables, injectorSettings } from '../../contract/injector-settings.ts'
import { sidecarMetrics } from '../../contract/sidecar-metrics.ts'
import { sidecarSettings } from '../../contract/sidecar-settings.ts'
import { commands, helpText } from '../../scripts/docs/commands.ts'
import { textLines } from '../../scripts/docs/demo.ts'
import { firstDifference } from '../../scripts/docs/difference.ts'
import { fillParts, partNames } from '../../scripts/docs/markers.ts'
import { generatedFiles, generatedParts, wholeFiles } from '../../scripts/docs/parts.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const tracked = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\0')
  .filter((file) => file !== '' && existsSync(join(root, file)))
const folders = new Set(tracked.flatMap((file) => parents(file)))
const documents = tracked.filter((file) => /^(docs\/|charts\/vxtap\/)?[^/]+\.md$/.test(file))
const read = (file: string): string => readFileSync(join(root, file), 'utf8')

const metrics = [...Object.values(sidecarMetrics), ...Object.values(injectorMetrics)]
const variables = new Set([
  ...Object.values(sidecarSettings).map((setting) => setting.env),
  ...Object.values(injectorSettings).map((setting) => setting.env),
  ...defaultVariables().map(({ variable }) => variable),
])

function parents(file: string): string[] {
  const parent = dirname(file)
  return parent === '.' ? [] : [parent, ...parents(parent)]
}

/** Headings as GitHub makes anchors of them: small letters, punctuation away, blanks to hyphens. */
function anchors(document: string): Set<string> {
  const headings = withoutFences(document).matchAll(/^#{1,6} (?<text>.+)$/gm)
  return new Set(
    [...headings].map((match) =>
      (match.groups?.['text'] ?? '')
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

const fence = /^```[a-z]*\n[\s\S]*?^```$/gm
const withoutFences = (document: string): string => document.replaceAll(fence, '')

/** What stands between backticks, outside of code blocks. */
const codeWords = (document: string): string[] =>
  [...withoutFences(document).matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '')

const everywhere = (collect: (document: string) => string[]): { file: string; found: string }[] =>
  documents.flatMap((file) => collect(read(file)).map((found) => ({ file, found })))

describe('generated parts', async () => {
  const parts = await generatedParts()

  it.each(generatedFiles)('of %s are what the tables say', (file) => {
    const document = read(file)
    const filled = fillParts(document, parts)
    expect(filled === document ? '' : `${firstDifference(document, filled)}\nrun make docs`).toBe('')
  })

  it.each([...wholeFiles()])('that are a whole file are what the tables say: %s', (file, text) => {
    expect(read(file) === text ? '' : `${firstDifference(read(file), text)}\nrun make docs`).toBe('')
  })

  it('are each in a document, and no document asks for another', () => {
    const asked = documents.flatMap((file) => partNames(read(file)))
    expect(asked.sort()).toEqual([...parts.keys()].sort())
  })

  it('stand in documents that are kept up to date', () => {
    const holding = documents.filter((file) => partNames(read(file)).length > 0)
    expect(holding.sort()).toEqual([...generatedFiles].sort())
  })
})

describe('the parts of a document', () => {
  it('are replaced between their markers, and nothing else is', () => {
    const document = 'a\n<!-- generated:x -->\nold\n<!-- /generated:x -->\nb\n'
    expect(fillParts(document, new Map([['x', 'new']]))).toBe(
      'a\n<!-- generated:x -->\n\nnew\n\n<!-- /generated:x -->\nb\n',
    )
  })

  it('must exist', () => {
    const document = '<!-- generated:y -->\n<!-- /generated:y -->'
    expect(() => fillParts(document, new Map([['x', '']]))).toThrow('no part is named "y"')
  })
})

describe("the demonstration's picture", () => {
  it('is read back as the lines that it was made of', () => {
    const svg =
      '<svg><text x="1" y="10"><tspan class="l">  a </tspan>&lt;b&gt;</text>\n<text x="1" y="27">c</text>\n<text x="1" y="61">d &amp;lt;</text></svg>'
    expect(textLines(svg)).toEqual(['  a <b>', 'c', '', 'd &lt;'])
  })

  it('ends with the verdict that everything is there', () => {
    expect(read('README.md')).toMatch(/^ {2}verdict +.*every frame of the wire is at the sensor/m)
  })
})

describe('the reference', () => {
  it('has a heading for each injection reason, where the log line points at, and no other', () => {
    const headings = [...read('docs/injection-reasons.md').matchAll(/^### (.+)$/gm)].map((match) => match[1])
    const codes = Object.keys(injectionReasons) as ReasonCode[]
    const found = Object.keys(blindSpots) as BlindSpotCode[]
    const targets = [...codes.map(reasonAnchor), ...found.map(blindSpotAnchor)]
    expect(headings).toEqual(targets.map((target) => target.split('#')[1]))
    for (const code of codes) expect(reasonAnchor(code)).toMatch(/^docs\/injection-reasons\.md#/)
  })

  it('has a heading for each drop reason, and no other', () => {
    const headings = [...read('docs/drop-reasons.md').matchAll(/^### (.+)$/gm)].map((match) => match[1])
    expect(headings).toEqual(Object.keys(dropReasons).map((reason) => reason.replaceAll('_', '-')))
  })

  it.each([
    ['docs/metrics.md', metrics.map((metric) => metric.name)],
    ['docs/configuration.md', [...variables]],
    ['docs/configuration.md', [...annotationSettings.keys()].map((name) => annotationPrefix + name)],
    [
      'docs/configuration.md',
      Object.values(injectorAnnotations).map((setting) => annotationPrefix + setting.annotation),
    ],
  ])('in %s has each of them as code (%#)', (file, names) => {
    const words = new Set(codeWords(read(file)))
    expect(names.filter((name) => !words.has(name))).toEqual([])
  })

  it('has each exit code', () => {
    for (const { code, meaning } of Object.values(exitCodes)) {
      expect(read('docs/configuration.md')).toMatch(
        new RegExp(`^\\| ${code} \\| ${meaning.slice(0, 1).toUpperCase()}`, 'm'),
      )
    }
  })
})

describe('what documents name exists', () => {
  it('metrics', () => {
    const known = new Set<string>(metrics.map((metric) => metric.name))
    const named = everywhere((document) => document.match(/\b(vxtap|process)_[a-z_]+\b/g) ?? [])
    expect(named.length).toBeGreaterThan(metrics.length)
    expect(named.filter(({ found }) => !known.has(found.replace(/_(bucket|sum|count)$/, '')))).toEqual([])
  })

  it('annotations and labels', () => {
    const ofSensors = Object.values(sensorAnnotations).map(({ annotation }) => annotation)
    const known = new Set<string>(['inject', 'status', ...annotationSettings.keys(), ...ofSensors])
    const named = everywhere((document) =>
      [...document.matchAll(/vxtap\.io\/([a-z-]+)/g)].map((match) => match[1] ?? ''),
    )
    expect(named.filter(({ found }) => !known.has(found))).toEqual([])
  })

  it('environment variables', () => {
    // Other programs' and the kernel's names in capitals, as far as the documentation needs them.
    const foreign =
      /^(AF_PACKET|PACKET_[A-Z_]+|TPACKET_V3|NET_RAW|NET_ADMIN|SYS_ADMIN|BPF|XDP|UDP_[A-Z0-9_]+|E[A-Z]{3,}|TLS_.*|SO_[A-Z_]+|EX_[A-Z]+|VXLAN|DEBIAN_MIRROR|PCAP|KUBECONFIG|NO_COLOR|QUICK|ONLY)$/
    const named = everywhere((document) =>
      codeWords(document)
        .map((word) => word.replace(/=.*$/, ''))
        .filter((word) => /^[A-Z][A-Z0-9_]{2,}$/.test(word)),
    )
    expect(named.length).toBeGreaterThan(variables.size)
    expect(named.filter(({ found }) => !variables.has(found) && !foreign.test(found))).toEqual([])
  })

  it('targets of make', () => {
    const targets = new Set([...read('Makefile').matchAll(/^([a-z0-9-]+):/gm)].map((match) => match[1]))
    const named = everywhere((document) => [
      ...codeWords(document),
      ...[...document.matchAll(fence)].flatMap((block) => block[0].split('\n')),
    ]).flatMap(({ file, found }) => {
      const target = /^(?:sudo )?make ([a-z0-9-]+)/.exec(found)?.[1]
      return target === undefined ? [] : [{ file, target }]
    })
    expect(named.length).toBeGreaterThan(5)
    expect(named.filter(({ target }) => !targets.has(target))).toEqual([])
  })

  it('commands of vxtap, and their flags', async () => {
    const help = new Map((await commands()).map((command) => [command.name(), helpText(command)]))
    const lines = everywhere((document) => [
      ...codeWords(document),
      ...[...document.matchAll(fence)].flatMap((block) => block[0].split('\n')),
    ])
    const used = lines.flatMap(({ file, found }) => {
      const match = /^(?:bin\/)?vxtap (?<name>[a-z]+(?:-[a-z]+)*)(?<flags>[^|#]*)/.exec(found)
      return match?.groups ? [{ file, name: match.groups['name'] ?? '', flags: match.groups['flags'] ?? '' }] : []
    })
    expect(used.length).toBeGreaterThan(help.size)
    expect(used.filter(({ name }) => !help.has(name))).toEqual([])
    const wrong = used.flatMap(({ file, name, flags }) =>
      (flags.match(/(?<=\s)--?[a-z-]+/g) ?? [])
        .filter((flag) => !new RegExp(`(^|[\\s,])${flag}\\b`, 'm').test(help.get(name) ?? ''))
        .map((flag) => `${file}: vxtap ${name} ${flag}`),
    )
    expect(wrong).toEqual([])
  })

  it('files and folders of this repository', () => {
    const top = new Set([...folders].map((folder) => folder.split('/')[0]))
    const named = everywhere((document) =>
      codeWords(document).filter((word) => /^[.\w@-]+\/[\w@./-]*$/.test(word) && top.has(word.split('/')[0])),
    )
    const made = new Set(['dist/', 'node_modules', '.tools/'])
    const wrong = named.filter(({ found }) => {
      const path = normalize(found).replace(/\/$/, '')
      return !made.has(found) && !tracked.includes(path) && !folders.has(path)
    })
    expect(named.length).toBeGreaterThan(10)
    expect(wrong).toEqual([])
  })

  it('targets of links, anchors included', () => {
    const broken = documents.flatMap((file) =>
      [...withoutFences(read(file)).matchAll(/\]\((?<target>[^)\s]+)\)/g)].flatMap((match) => {
        const target = match.groups?.['target'] ?? ''
        if (/^https?:/.test(target)) return []
        const [path = '', anchor] = target.split('#')
        const goal = path === '' ? file : normalize(join(dirname(file), path)).replace(/\/$/, '')
        if (!tracked.includes(goal) && !folders.has(goal)) return [`${file}: ${target}`]
        return anchor === undefined || anchors(read(goal)).has(anchor) ? [] : [`${file}: ${target}`]
      }),
    )
    expect(broken).toEqual([])
  })

  it('values that helm commands set', () => {
    const values = Object.keys(JSON.parse(read('charts/vxtap/values.schema.json')).properties)
    const set = everywhere((document) => [...document.matchAll(/--set '?([A-Za-z]+)/g)].map((match) => match[1] ?? ''))
    expect(set.length).toBeGreaterThan(4)
    expect(set.filter(({ found }) => !values.includes(found))).toEqual([])
  })

  it('ports', () => {
    const ports = new Set<string>(
      [sidecarSettings.metricsAddress, injectorSettings.metricsAddress, injectorSettings.listenAddress].map((setting) =>
        setting.default.slice(1),
      ),
    )
    const named = ['docs/metrics.md', 'docs/install.md'].flatMap((file) =>
      [...read(file).matchAll(/(?:port |localhost:|port-forward POD )(\d{4,5})\b/g)].map((match) => match[1] ?? ''),
    )
    expect(named.length).toBeGreaterThan(3)
    expect(named.filter((port) => !ports.has(port))).toEqual([])
  })
})

describe('docs/dependencies.md', () => {
  const named = new Set([...read('docs/dependencies.md').matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1]))
  const { dependencies, optionalDependencies, devDependencies } = JSON.parse(read('package.json'))
  const packages = Object.keys({ ...dependencies, ...optionalDependencies, ...devDependencies })
  const system = [...read('scripts/setup.sh').matchAll(/^need \S+ (.+)$/gm)].flatMap((match) =>
    (match[1] ?? '').split(' '),
  )

  it('has a row for each package and each system package, and for nothing else', () => {
    expect(system.length).toBeGreaterThan(5)
    expect([...named].sort()).toEqual([...new Set([...packages, ...system])].sort())
  })
})

describe('every document', () => {
  it('is reached from the README', () => {
    const linked = new Set(
      [...read('README.md').matchAll(/\]\((?<target>[^)#\s]+)/g)].map((match) =>
        normalize(match.groups?.['target'] ?? ''),
      ),
    )
    expect(documents.filter((file) => file !== 'README.md' && !linked.has(file))).toEqual([])
  })

  it('has one title, at its head', () => {
    const titles = documents.map((file) => ({ file, titles: withoutFences(read(file)).match(/^# .+$/gm)?.length }))
    expect(titles.filter(({ titles: count }) => count !== 1)).toEqual([])
  })
})
