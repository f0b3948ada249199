/**
 * Whose calls are taken, where the cluster's API server shows a client certificate: a bundle of authorities, and the
 * common names that they may certify. Most managed control planes show none, so this is off unless asked for.
 */
import { X509Certificate } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import type { Logger } from 'pino'
import { printable } from '../contract/setting.ts'
import { type FileParsed, readParsed, type WatchedFile, watchFile } from './watched-file.ts'

export interface ClientTrust {
  readonly file: string
  /** PEM */
  readonly authorities: Buffer
  /** Common names; empty: every certificate of the authorities. */
  readonly names: ReadonlySet<string>
}

const pemBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g
const longestName = 100

export function parseAuthorities(content: Buffer, file: string): FileParsed<Buffer> {
  const blocks = content.toString('latin1').match(pemBlock) ?? []
  if (blocks.length === 0) return { ok: false, problems: [`${file} holds no certificate in PEM`] }
  for (const [index, block] of blocks.entries()) {
    try {
      new X509Certificate(block)
    } catch {
      return { ok: false, problems: [`certificate ${index + 1} of ${file} cannot be read`] }
    }
  }
  return { ok: true, value: content }
}

export type LoadedTrust =
  | { readonly ok: true; readonly trust: ClientTrust | undefined }
  | { readonly ok: false; readonly problems: readonly string[] }

/** @param file empty: no client has to show anything */
export async function loadClientTrust(file: string, names: ReadonlySet<string>): Promise<LoadedTrust> {
  if (file === '') {
    if (names.size === 0) return { ok: true, trust: undefined }
    return {
      ok: false,
      problems: ['CLIENT_NAMES is set, but not CLIENT_CA_FILE, which says who certifies those names'],
    }
  }
  const read = await readParsed(file, parseAuthorities)
  if (read.ok) return { ok: true, trust: { file, authorities: read.value, names } }
  return { ok: false, problems: read.problems.map((problem) => `CLIENT_CA_FILE: ${problem}`) }
}

/** @param use takes the authorities whenever the file has changed to others */
export function followAuthorities(
  trust: ClientTrust,
  use: (authorities: Buffer) => void,
  log: Logger,
  lookMs?: number,
): WatchedFile {
  const { file } = trust
  const taken = (authorities: Buffer): void => {
    use(authorities)
    log.info({ file }, 'the client authorities changed; new connections are verified by the new ones')
  }
  const refused = (problems: readonly string[]): void =>
    log.error(
      { file, problem: problems.join('; ') },
      'the client authorities changed to something unusable; the old stay',
    )
  return watchFile(file, parseAuthorities, trust.authorities, { taken, refused }, lookMs)
}

/** @returns why this client's requests are not answered; undefined where they are */
export function clientProblem({ socket }: IncomingMessage, { names }: ClientTrust): string | undefined {
  if (!(socket instanceof TLSSocket)) return 'the connection is not TLS'
  if (names.size === 0) return undefined
  const { subject } = socket.getPeerCertificate()
  const name = subject?.CN
  // Several common names come as a list: none of them is the name.
  if (typeof name === 'string' && names.has(name)) return undefined
  return `the client's certificate is for ${JSON.stringify(printable(String(name ?? ''), longestName))}, which CLIENT_NAMES does not name`
}
