import { describe, expect, it } from 'vitest'
import { capabilities, isolated, program } from '../../../../lab/kubelet/command-line.ts'

describe('the capabilities of a container', () => {
  it('are the added ones alone where all are dropped', () => {
    expect(capabilities({ capabilities: { drop: ['ALL'], add: ['NET_RAW'] } })).toEqual(['net_raw'])
  })

  it("are the runtime's own without a word about them, less what is dropped", () => {
    expect(capabilities(undefined)).toContain('net_raw')
    expect(capabilities({ capabilities: { drop: ['CAP_NET_RAW'] } })).not.toContain('net_raw')
  })

  it('do not include the administration of the network unless it is added', () => {
    expect(capabilities(undefined)).not.toContain('net_admin')
  })
})

describe('the program of a container', () => {
  const images = { app: ['/bin/app', 'serve'] }

  it('is the entry point with the arguments behind it', () => {
    expect(program({ name: 'c', image: 'app', args: ['--x'] }, images, {})).toEqual(['/bin/app', 'serve', '--x'])
  })

  it('is the command instead, where there is one, with variables put in', () => {
    const container = { name: 'c', image: 'app', command: ['sh', '-c'], args: ['echo $(WHO)'] }
    expect(program(container, images, { WHO: 'me' })).toEqual(['sh', '-c', 'echo me'])
  })

  it('is refused for an image that the lab does not have', () => {
    expect(() => program({ name: 'c', image: 'other' }, images, {})).toThrow('no image other')
  })
})

describe('the isolation of a container', () => {
  const joined = (...given: Parameters<typeof isolated>) => isolated(...given).join(' ')

  it('mounts the service account where there are files of one', () => {
    expect(joined(['app'], undefined, '/files')).toContain(
      'mount --bind /files /run/secrets/kubernetes.io/serviceaccount',
    )
    expect(joined(['app'], undefined, undefined)).not.toContain('mount --bind')
  })

  it('makes the root read-only and rules out new privileges where asked for', () => {
    const context = { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false }
    expect(joined(['app'], context, undefined)).toMatch(/remount,bind,ro \/[\s\S]*--no-new-privs -- app$/)
    expect(joined(['app'], {}, undefined)).not.toMatch(/remount|no-new-privs/)
  })
})
