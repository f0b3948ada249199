/** Gives an image to the containerd of a node. */
import { run } from '../../../lab/network/command.ts'

export const containerdSocket = '/run/containerd.sock'

/** ctr's command line on a node. @param pid the process whose namespaces are the node's */
export const ctrOn = (pid: number, ctr: string): string[] => [
  ...['nsenter', '-t', String(pid), '-m', '-n', '--'],
  ...[ctr, '-a', containerdSocket],
]

/** @param archive an OCI archive, at a path that the node sees too */
export async function importImage(pid: number, ctr: string, archive: string): Promise<void> {
  await run([...ctrOn(pid, ctr), '-n', 'k8s.io', 'images', 'import', archive], { timeoutMs: 120_000 })
}
