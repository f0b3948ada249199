/** How a pod reaches the Kubernetes API: two environment variables and three files. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fields, text } from './pod-view.ts'

export interface ApiAccess {
  /** Address or name, without brackets. */
  readonly host: string
  readonly port: number
  /** Holds `token`, `ca.crt` and `namespace`. */
  readonly directory: string
}

export interface Credentials {
  readonly token: string
  /** PEM */
  readonly ca: string
}

const serviceAccountDirectory = '/var/run/secrets/kubernetes.io/serviceaccount'

/** @returns undefined outside a cluster */
export function apiAccess(
  environment: Readonly<Record<string, string | undefined>>,
  directory: string = serviceAccountDirectory,
): ApiAccess | undefined {
  const host = (environment['KUBERNETES_SERVICE_HOST'] ?? '').replace(/^\[(.*)\]$/, '$1')
  if (host === '') return undefined
  const port = Number(environment['KUBERNETES_SERVICE_PORT'] ?? '')
  return { host, port: Number.isInteger(port) && port > 0 && port < 65536 ? port : 443, directory }
}

/** For people: IPv6 in brackets. */
export function apiUrl(access: ApiAccess): string {
  return `https://${access.host.includes(':') ? `[${access.host}]` : access.host}:${access.port}`
}

/**
 * Read before each request, which is each few minutes: the kubelet replaces the token well before it expires, and a
 * file watch would miss its swap of the directory behind a symbolic link.
 */
export async function readCredentials(access: ApiAccess): Promise<Credentials> {
  const [token, ca] = await Promise.all([
    readFile(join(access.directory, 'token'), 'utf8'),
    readFile(join(access.directory, 'ca.crt'), 'utf8'),
  ])
  return { token: token.trim(), ca }
}

/** The namespace that the pod runs in. */
export async function readNamespace(access: ApiAccess): Promise<string> {
  return (await readFile(join(access.directory, 'namespace'), 'utf8')).trim()
}

/** Whose token it is (claim `sub`, RFC 7519 section 4.1.2), '' where it does not say. The signature is the API's to verify. */
export function subjectOf(token: string): string {
  try {
    const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
    return text(fields(JSON.parse(claims))['sub'])
  } catch {
    return ''
  }
}
