/** The user's cluster, chosen as kubectl chooses it: --kubeconfig, else KUBECONFIG, else ~/.kube/config, else the pod's own. */
import { KubeConfig } from '@kubernetes/client-node'
import { createRest, type Rest } from '../injector/cluster/rest.ts'
import { Problem } from './problem.ts'

export interface Connecting {
  readonly kubeconfig?: string
  readonly context?: string
}

export interface Connection {
  readonly rest: Rest
  readonly server: string
  /** The context's, else `default`. */
  readonly namespace: string
}

// What the library makes up where there is no configuration (config.js, loadFromDefault).
const madeUp = { server: 'http://localhost:8080', context: 'loaded-context' }

/** @throws {Problem} saying what is wrong with the configuration */
export function connect({ kubeconfig, context }: Connecting): Connection {
  const config = load(kubeconfig)
  if (context !== undefined) {
    const names = config.getContexts().map(({ name }) => name)
    if (!names.includes(context)) {
      throw new Problem('config', `--context=${context}: the kubeconfig has ${listed(names)}; name one of them`)
    }
    config.setCurrentContext(context)
  }
  const cluster = config.getCurrentCluster()
  const current = config.getCurrentContext()
  if (!cluster) {
    const chosen = current ? `the context ${current} names a cluster that is not in it` : 'it has no current-context'
    throw new Problem('config', `the kubeconfig names no cluster: ${chosen}; choose one with --context`)
  }
  if (cluster.server === madeUp.server && current === madeUp.context) {
    throw new Problem(
      'config',
      'no cluster is configured: there is no --kubeconfig, KUBECONFIG is not set and ~/.kube/config does not exist',
    )
  }
  try {
    const namespace = config.getContextObject(current)?.namespace ?? 'default'
    return { rest: createRest(config), server: cluster.server, namespace }
  } catch (error) {
    throw new Problem('config', messageOf(error))
  }
}

function load(file: string | undefined): KubeConfig {
  const config = new KubeConfig()
  try {
    if (file === undefined) config.loadFromDefault()
    else config.loadFromFile(file)
    return config
  } catch (error) {
    throw new Problem(
      'config',
      `the kubeconfig${file === undefined ? '' : ` ${file}`} cannot be used: ${messageOf(error)}`,
    )
  }
}

const listed = (names: readonly string[]): string =>
  names.length === 0 ? 'no contexts' : `the contexts ${names.join(', ')}`

const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? ''
