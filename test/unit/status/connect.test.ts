import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { connect } from '../../../status/connect.ts'
import { Problem, problemOf } from '../../../status/problem.ts'
import { status } from '../../../status/status.ts'
import { collected, kubeconfigOf, options } from '../../support/status-cluster.ts'

const folder = mkdtempSync(join(tmpdir(), 'vxtap-kubeconfig-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
const good = file('good', kubeconfigOf({ url: 'https://127.0.0.1:1', ca: '' }, 'token'))

const problemWith = (work: () => unknown): Problem => {
  try {
    work()
  } catch (error) {
    if (error instanceof Problem) return error
    throw error
  }
  throw new Error('nothing was wrong')
}

describe('a kubeconfig', () => {
  it('gives the server and the namespace of its context', () => {
    expect(connect({ kubeconfig: good })).toMatchObject({ server: 'https://127.0.0.1:1', namespace: 'shop' })
  })

  it.each([
    ['that is not there', { kubeconfig: join(folder, 'none') }, 'cannot be used: ENOENT'],
    ['that is no YAML', { kubeconfig: file('bad', '{') }, 'cannot be used: '],
    [
      'without a context',
      { kubeconfig: file('empty', 'apiVersion: v1\nkind: Config\n') },
      'the kubeconfig names no cluster',
    ],
    [
      'without that context',
      { kubeconfig: good, context: 'other' },
      '--context=other: the kubeconfig has the contexts lab',
    ],
  ])('%s is refused with a sentence and 78', (_case, connecting, sentence) => {
    const problem = problemWith(() => connect(connecting))
    expect(problem.message).toContain(sentence)
    expect(problem.exitCode).toBe(78)
  })
})

describe('an API server that is not there', () => {
  it('is named with what to look at, and the exit code is 69', async () => {
    const flags = { ...options, allNamespaces: false, failOnBlindSpots: false }
    const problem = await status(flags, connect({ kubeconfig: good }), collected()).catch((error: unknown) => error)
    expect(problem).toMatchObject({
      message: 'the API server https://127.0.0.1:1 cannot be asked: nothing listens there (ECONNREFUSED)',
      exitCode: 69,
    })
  })
})

describe('a failure that is nobody’s rule', () => {
  it('keeps its own words, without what a terminal acts on', () => {
    const problem = problemOf(new Error('broken \x1b[2J'), { verb: 'list', resource: 'pods' }, 'https://api')
    expect(problem.message).toBe('the API server https://api cannot be asked: broken \\u{1b}[2J')
  })
})
