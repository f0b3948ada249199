/** What operators copy to install the chart: test/e2e/world/release.ts runs what the README says. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { documentedCommand } from '../support/documented-command.ts'

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')

describe('the command that installs the chart', () => {
  const command = documentedCommand(read('README.md'), 'helm install vxtap')

  it('is the same in the README, from which the end-to-end tests run it, and in docs/install.md', () => {
    expect(command).toMatch(/^helm install vxtap charts\/vxtap /)
    expect(documentedCommand(read('docs/install.md'), 'helm install vxtap')).toBe(command)
  })

  it('names a registry only where each reader puts in their own', () => {
    expect(command?.match(/\S*REGISTRY\S*/g)).toEqual(['image.repository=REGISTRY/vxtap'])
  })
})

describe('a command in a document', () => {
  const document = ['text tool run', '```sh', 'tool run \\', '  --one \\', '  --two', 'tool stop', '```'].join('\n')

  it('goes on where a line ends with a backslash, and ends there', () => {
    expect(documentedCommand(document, 'tool run')).toBe('tool run \\\n  --one \\\n  --two')
    expect(documentedCommand(document, 'tool stop')).toBeUndefined()
    expect(documentedCommand(`${document}\ntool stop now`, 'tool stop')).toBe('tool stop now')
  })
})
