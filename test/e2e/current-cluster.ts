/**
 * Runs a command beside the cluster of kubectl's current context, which it leaves as it was: the scenarios' namespaces
 * are made, never taken over, and deleted after them. Says which cluster it is before anything is done to it.
 * Usage: E2E_IMAGE=... node test/e2e/current-cluster.ts COMMAND [ARGUMENT...]
 */
import { spawn } from 'node:child_process'
import { missingPrograms, run } from '../../lab/network/command.ts'
import { type ClusterFacts, environmentOf, refusal } from './world/current.ts'

const say = (text: string): void => {
  process.stderr.write(`[e2e] ${text}\n`)
}
const kubectl = (...args: readonly string[]): Promise<string> => run(['kubectl', ...args], { timeoutMs: 30_000 })
const names = (text: string): string[] => text.split('\n').filter((line) => line !== '')

async function facts(): Promise<ClusterFacts> {
  const context = (await kubectl('config', 'current-context')).trim()
  const server = await kubectl('config', 'view', '--minify', '-o', 'jsonpath={.clusters[0].cluster.server}')
  const { serverVersion } = JSON.parse(await kubectl('version', '-o', 'json'))
  return {
    context,
    server,
    version: serverVersion.gitVersion,
    nodes: JSON.parse(await kubectl('get', 'nodes', '-o', 'json')).items,
    namespaces: names(await kubectl('get', 'namespaces', '-o', 'name')).map((name) => name.replace(/^namespace\//, '')),
    webhooks: names(
      await kubectl('get', 'mutatingwebhookconfigurations', '-l', 'app.kubernetes.io/name=vxtap', '-o', 'name'),
    ),
  }
}

const [command, ...args] = process.argv.slice(2)
if (command === undefined) throw new Error('usage: node test/e2e/current-cluster.ts COMMAND [ARGUMENT...]')
const missing = missingPrograms(['kubectl', 'helm', 'tshark'])
try {
  if (missing.length > 0) throw new Error(`not on the search path: ${missing.join(', ')}`)
  const cluster = await facts()
  say(`the cluster of context ${cluster.context}: ${cluster.server}, Kubernetes ${cluster.version}`)
  const problem = refusal(cluster, process.env['E2E_IMAGE'] ?? '')
  if (problem !== undefined) throw new Error(problem)
  say(`image ${process.env['E2E_IMAGE']}; Ctrl-C within 5 s leaves the cluster as it is`)
  await new Promise((resolve) => setTimeout(resolve, 5000))
  const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...environmentOf(cluster) } })
  // The terminal has signalled the child too; it cleans up, and is waited for.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {})
  child.on('exit', (code) => process.exit(code ?? 1))
} catch (error) {
  say(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
