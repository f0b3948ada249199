/**
 * How a container's process is started: the image's program with the container's arguments, behind the isolation that
 * its securityContext asks for. Pure.
 *
 * Not emulated: cgroup limits, seccomp, a file system of its own (images are programs of this machine).
 */
import type { V1Container, V1SecurityContext } from '@kubernetes/client-node'
import { expand } from './environment.ts'

/** Image name → the program that stands for it, with its first arguments. */
export type Images = Readonly<Record<string, readonly string[]>>

export const serviceAccountDirectory = '/run/secrets/kubernetes.io/serviceaccount'

/** What container runtimes leave to a container that says nothing (containerd, pkg/oci: defaultUnixCaps). */
const defaultCapabilities = [
  'chown',
  'dac_override',
  'fsetid',
  'fowner',
  'mknod',
  'net_raw',
  'setgid',
  'setuid',
  'setfcap',
  'setpcap',
  'net_bind_service',
  'sys_chroot',
  'kill',
  'audit_write',
]

/** @throws Error for an image that is not in the table */
export function program(
  container: V1Container,
  images: Images,
  environment: Readonly<Record<string, string>>,
): string[] {
  const entrypoint = images[container.image ?? '']
  if (entrypoint === undefined) throw new Error(`container ${container.name}: no image ${container.image} in this lab`)
  const words = [...(container.command ?? entrypoint), ...(container.args ?? [])]
  return words.map((word) => expand(word, environment))
}

/** The capabilities that are left, in setpriv's lower-case names: drop first, then add. */
export function capabilities(context: V1SecurityContext | undefined): string[] {
  const names = (list: string[] | undefined) => (list ?? []).map((name) => name.toLowerCase().replace(/^cap_/, ''))
  const dropped = names(context?.capabilities?.drop)
  const kept = dropped.includes('all') ? [] : defaultCapabilities.filter((name) => !dropped.includes(name))
  return [...new Set([...kept, ...names(context?.capabilities?.add)])]
}

/**
 * The whole command: a mount namespace with the service account's files in it (and a read-only root, where asked for),
 * then setpriv, then the program; each replaces the one before, so that signals reach the program itself.
 * @param accountFiles directory with token, ca.crt and namespace; undefined mounts none
 */
export function isolated(
  argv: readonly string[],
  context: V1SecurityContext | undefined,
  accountFiles: string | undefined,
): string[] {
  const mounts = [
    ...(accountFiles === undefined ? [] : [`mount --bind ${accountFiles} ${serviceAccountDirectory}`]),
    ...(context?.readOnlyRootFilesystem === true ? ['mount -o remount,bind,ro /'] : []),
    'exec "$@"',
  ]
  return ['unshare', '--mount', '--', 'sh', '-e', '-c', mounts.join('\n'), 'sh', ...privileges(context), '--', ...argv]
}

function privileges(context: V1SecurityContext | undefined): string[] {
  const set = ['-all', ...capabilities(context).map((name) => `+${name}`)].join(',')
  const user = context?.runAsUser ?? 0
  const group = context?.runAsGroup ?? 0
  return [
    'setpriv',
    // Uid 0 gets what the bounding set has; another uid must inherit it.
    `--bounding-set=${set}`,
    `--inh-caps=${set}`,
    ...(group === 0 ? [] : [`--regid=${group}`, '--clear-groups']),
    ...(user === 0 ? [] : [`--reuid=${user}`]),
    ...(context?.allowPrivilegeEscalation === false ? ['--no-new-privs'] : []),
  ]
}
