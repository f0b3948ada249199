import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { type InjectOptions, inject } from '../../../injector/manifest/run.ts'

const podText = (name: string, labels = '{vxtap.io/inject: "true"}') =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, labels: ${labels}}\nspec: {containers: [{name: a, image: a}]}`

describe('vxtap inject', () => {
  let directory: string
  const file = async (name: string, text: string) => {
    await writeFile(join(directory, name), text)
    return join(directory, name)
  }
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'vxtap-inject-'))
  })
  afterAll(() => rm(directory, { recursive: true }))

  async function run(options: Partial<InjectOptions>, stdin = '') {
    let out = ''
    let err = ''
    const code = await inject(
      {
        version: '9.9.9',
        files: ['-'],
        defaults: { image: 'vxtap:9.9.9', 'native-sidecar': 'always', sensor: 'zeek' },
        namespace: 'default',
        output: 'yaml',
        explain: false,
        all: false,
        ...options,
      },
      {
        stdin: Readable.from([Buffer.from(stdin)]),
        stdout: { write: (text) => (out += text) },
        stderr: { write: (text) => (err += text) },
      },
    )
    return { code, out, err }
  }

  it("given a manifest with a terminal's control characters, shows them instead of sending them", async () => {
    const { err } = await run({ explain: true }, podText('"we\\e]0;b\\x9b"'))
    expect(err).toContain('standard input: Pod/we\\u{1b}]0;b\\u{9b} in default: inject (injected)')
    const broken = await run({}, 'a: [\u001b]0;b\u0007')
    expect(broken.code).toBe(65)
    expect(broken.err.trimEnd()).not.toMatch(/\p{Cc}/u)
  })

  it('reads standard input and says nothing else where all went well', async () => {
    const { code, out, err } = await run({}, podText('web'))
    expect([code, err]).toEqual([0, ''])
    expect(parse(out)).toMatchObject({ spec: { initContainers: [{ name: 'vxtap' }] } })
  })

  it('joins several files into one stream of documents, whether or not they end with a line feed', async () => {
    const files = [
      await file('one.yaml', podText('one')),
      await file('two.yaml', `---\n${podText('two')}\n---\n`),
      await file('three.yaml', podText('three')),
    ]
    const { out } = await run({ files })
    const names = parseAllDocuments(out).flatMap(
      (document) => (document.toJS() as { metadata?: { name: string } } | null)?.metadata?.name ?? [],
    )
    expect(names).toEqual(['one', 'two', 'three'])
  })

  it('prints JSON: one object as it is, several as a List', async () => {
    expect(JSON.parse((await run({ output: 'json' }, podText('web'))).out)).toMatchObject({ kind: 'Pod' })
    expect(JSON.parse((await run({ output: 'json' }, `${podText('a')}\n---\n${podText('b')}\n`)).out)).toMatchObject({
      kind: 'List',
      items: [{}, {}],
    })
  })

  it('reads JSON', async () => {
    const { out } = await run({}, JSON.stringify(parse(podText('web')), undefined, 2))
    expect(JSON.parse(out)).toMatchObject({ spec: { initContainers: [{ name: 'vxtap' }] } })
  })

  it('explains each decision on standard error', async () => {
    const { err } = await run({ explain: true }, `${podText('yes')}\n---\n${podText('no', '{}')}\n`)
    expect(err).toMatch(/^standard input: Pod\/yes in default: inject \(injected\): the pod opts in$/m)
    expect(err).toMatch(/^standard input: Pod\/no in default: skip \(not_opted_in\): .+; set the label/m)
  })

  it('reports what asked and was not injected without being asked to explain, and passes it through', async () => {
    const text = podText('web', '{vxtap.io/inject: "maybe"}')
    const { code, out, err } = await run({}, text)
    expect([code, out]).toEqual([0, `${text}\n`])
    expect(err).toContain('invalid_annotation')
  })

  it('injects what does not ask with --all', async () => {
    expect((await run({}, podText('web', '{}'))).err).toContain('nothing was injected')
    expect((await run({ all: true }, podText('web', '{}'))).out).toContain('name: vxtap')
  })

  it('given a file that is not there, prints nothing and returns 66', async () => {
    const { code, out, err } = await run({
      files: [await file('fine.yaml', podText('web')), join(directory, 'none.yaml')],
    })
    expect([code, out]).toEqual([66, ''])
    expect(err).toContain('none.yaml')
  })

  it('given what is not YAML, prints nothing, names file and line and returns 65', async () => {
    const path = await file('broken.yaml', 'a: 1\nb: [\n')
    const { code, out, err } = await run({ files: [path] })
    expect([code, out]).toEqual([65, ''])
    expect(err).toMatch(/^vxtap inject: .*broken\.yaml:[23]: .+\n$/)
  })
})
