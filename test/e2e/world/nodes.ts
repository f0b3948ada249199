/** The cluster's nodes, from the environment (abilities.ts says who puts it there). */
import { importImage } from '../../cluster/image/import.ts'

/** Processes whose namespaces are the nodes'; none in a cluster at hand. */
export const nodeProcesses = new Map(
  (process.env['NODE_PIDS'] ?? '')
    .split(',')
    .filter((pair) => pair !== '')
    .map((pair) => pair.split('=') as [string, string]),
)

/** Nodes that pods can be put on; where there is one only, it is both. */
export const nodes: readonly string[] = process.env['E2E_NODES']
  ? process.env['E2E_NODES'].split(',')
  : [...nodeProcesses.keys()]
export const firstNode = nodes[0] ?? ''
export const otherNode = nodes[1] ?? firstNode

/** @throws where the cluster is not the suite's own */
export function nodeProcess(node: string): string {
  const found = nodeProcesses.get(node)
  if (found === undefined) throw new Error(`the node ${node} cannot be entered: this cluster is not the suite's own`)
  return found
}

/** Gives every node an image that the cluster does not start with. @param archive an OCI archive */
export async function importEverywhere(archive: string): Promise<void> {
  const ctr = process.env['CTR'] ?? ''
  await Promise.all([...nodeProcesses.values()].map((pid) => importImage(Number(pid), ctr, archive)))
}
