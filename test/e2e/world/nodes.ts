/** The nodes' own processes: what of a cluster kubectl does not reach. */
import { importImage } from '../../cluster/image/import.ts'

/** Processes whose namespaces are the nodes': node1=123,node2=124 */
function nodePids(): ReadonlyMap<string, number> {
  const pairs = (process.env['NODE_PIDS'] ?? '').split(',').map((pair) => pair.split('='))
  return new Map(pairs.map(([node = '', pid]) => [node, Number(pid)]))
}

export function nodePid(node: string): number {
  const found = nodePids().get(node)
  if (found === undefined)
    throw new Error(`the cluster was not started by scripts/cluster.sh: ${node} cannot be entered`)
  return found
}

/** Gives every node an image that the cluster does not start with. @param archive an OCI archive */
export async function importEverywhere(archive: string): Promise<void> {
  const ctr = process.env['CTR'] ?? ''
  await Promise.all([...nodePids().values()].map((pid) => importImage(pid, ctr, archive)))
}
