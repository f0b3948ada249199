import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeWhere, webhookClient, webhookClientAuthority, webhookClientName } from './world/abilities.ts'
import { apply, exec, getObject, ready, rolledOut } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { chart, helm, release, releaseNamespace } from './world/release.ts'
import { sidecarOf } from './world/tap.ts'
import { optIn, pod } from './world/workloads.ts'

const namespace = useNamespace('certified', {}, [])

async function upgrade(...values: readonly string[]): Promise<void> {
  const kept = ['--reset-then-reuse-values', '--wait', '--timeout', '90s']
  await helm('upgrade', release, chart, '--namespace', releaseNamespace, ...kept, ...values)
  await rolledOut(releaseNamespace, `deployment/${release}`)
}

/** Prints the status that the webhook answers, or that it closed the connection. */
const stranger = `
const https = require('https')
const asked = https.request({
  host: '${release}.${releaseNamespace}.svc', path: '/mutate', method: 'POST', rejectUnauthorized: false,
  headers: { 'content-type': 'application/json' },
}, (answer) => { console.log(answer.statusCode); process.exit(0) })
asked.on('error', () => { console.log('closed'); process.exit(0) })
asked.end('{}')
`

describeWhere(webhookClient, 'given an API server that shows a client certificate, and injectors that want one', () => {
  const ask = async (): Promise<string> => (await exec(namespace, 'stranger', 'app', ['node', '-e', stranger])).trim()

  beforeAll(async () => {
    await apply(pod({ name: 'stranger', namespace }))
    await ready(namespace, 'stranger')
    expect(await ask()).toBe('400')
    await upgrade(
      ...['--set-file', `webhook.clientCa=${webhookClientAuthority}`],
      ...['--set', `webhook.clientNames={${webhookClientName}}`],
    )
  })
  afterAll(() => upgrade('--set', 'webhook.clientCa=', '--set-json', 'webhook.clientNames=[]'))

  it('when a labelled pod is created, then it is tapped', async () => {
    await apply(pod({ name: 'web', namespace, labels: optIn }))
    expect(sidecarOf(await getObject(namespace, 'pod', 'web'))).toBeDefined()
  })

  it('when somebody else asks the webhook, then there is no answer', async () => {
    expect(await ask()).toBe('closed')
  })
})
