import { afterAll, describe, expect, it } from 'vitest'
import { run } from '../../lab/network/command.ts'
import { eventually, kubectl, rolledOut } from './world/kubectl.ts'
import { chart, helm, release, releaseNamespace } from './world/release.ts'

/** With what helm prints of the pod's log, on standard error. */
const helmTest = (): Promise<string> =>
  run(['sh', '-c', 'exec helm "$@" 2>&1', 'sh', 'test', release, '--namespace', releaseNamespace], {
    timeoutMs: 100_000,
  })

const leftovers = (): Promise<string> =>
  kubectl(['get', 'namespace', '-l', 'app.kubernetes.io/component=test', '-o', 'name'])

const nothingIsLeft = (): Promise<boolean> =>
  eventually('nothing of the test is left', async () => (await leftovers()) === '')

describe('given the installed chart', () => {
  afterAll(async () => {
    await kubectl(['-n', releaseNamespace, 'scale', `deployment/${release}`, '--replicas=2'])
    await rolledOut(releaseNamespace, `deployment/${release}`)
  })

  it('when helm tests it, then a pod is tapped, and a strict sensor finds no fault in what arrives', async () => {
    const said = await helmTest()
    expect(said).toMatch(/TEST SUITE: +vxtap-test\n(.*\n)*?Phase: +Succeeded/)
    // The sensor's own summary, which helm prints.
    expect(said).toMatch(/30 datagrams/)
  })

  it('then nothing of the test is left', nothingIsLeft)

  it('when no injector runs, then the test fails, and leaves nothing either', async () => {
    const shorter = ['--reset-then-reuse-values', '--set', 'test.timeoutSeconds=10', '--wait']
    await helm('upgrade', release, chart, '--namespace', releaseNamespace, ...shorter)
    await kubectl(['-n', releaseNamespace, 'scale', `deployment/${release}`, '--replicas=0'])
    await kubectl(['-n', releaseNamespace, 'wait', '--for=delete', 'pod', '-l', 'app.kubernetes.io/component=injector'])
    await expect(helmTest()).rejects.toThrow(/vxtap-test failed/)
    await nothingIsLeft()
  })
})
