/**
 * The serving certificate, from two files that change while the server runs. Kubernetes swaps a symbolic link (`..data`)
 * when a mounted Secret changes; the files are small, so they are read and compared every second, which no kind of mount
 * or file system can defeat.
 */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import type { CertificatePair } from './source.ts'

export interface CertificateFiles {
  readonly certFile: string
  readonly keyFile: string
}

export type LoadedPair =
  | { readonly ok: true; readonly pair: CertificatePair }
  | { readonly ok: false; readonly problem: string }

/** Reads both files and proves that they are a certificate and its key. */
export async function loadCertificate(files: CertificateFiles): Promise<LoadedPair> {
  const contents: Buffer[] = []
  for (const file of [files.certFile, files.keyFile]) {
    try {
      contents.push(await readFile(file))
    } catch (error) {
      return { ok: false, problem: `cannot read ${file}: ${message(error)}` }
    }
  }
  const [cert, key] = contents as [Buffer, Buffer]
  return checkPair(files, cert, key)
}

function checkPair(files: CertificateFiles, cert: Buffer, key: Buffer): LoadedPair {
  try {
    createSecureContext({ cert, key })
    const { validFromDate, validToDate } = new X509Certificate(cert)
    const lifeMs = validToDate.getTime() - validFromDate.getTime()
    return { ok: true, pair: { cert, key, expires: validToDate, lifeMs } }
  } catch (error) {
    return {
      ok: false,
      problem: `${files.certFile} and ${files.keyFile} are not a certificate and its private key in PEM: ${message(error)}`,
    }
  }
}

export interface CertificateWatch {
  stop(): void
}

export interface CertificateListener {
  taken(pair: CertificatePair): void
  /** The old pair stays in use. Called once for each problem, and not before it has lasted for two looks. */
  refused(problem: string): void
  /** The pair in use is past its end. Called once for each pair. */
  expired(pair: CertificatePair): void
}

/**
 * Looks at the files again and again. A pair that does not fit is seen for a moment whenever the files are written one
 * after the other, so a problem counts only when the next look finds the same.
 */
export function watchCertificate(
  files: CertificateFiles,
  current: CertificatePair,
  listener: CertificateListener,
  intervalMs = 1000,
): CertificateWatch {
  let inUse = current
  let lastProblem: string | undefined
  let reported: string | undefined
  let expired: CertificatePair | undefined
  let stopped = false

  const look = async () => {
    const loaded = await loadCertificate(files)
    if (stopped) return
    if (loaded.ok) {
      lastProblem = undefined
      reported = undefined
      if (!samePair(loaded.pair, inUse)) {
        inUse = loaded.pair
        listener.taken(inUse)
      }
    } else if (loaded.problem !== lastProblem) {
      lastProblem = loaded.problem
    } else if (loaded.problem !== reported) {
      reported = loaded.problem
      listener.refused(loaded.problem)
    }
    if (expired !== inUse && inUse.expires.getTime() <= Date.now()) {
      expired = inUse
      listener.expired(inUse)
    }
    schedule()
  }
  const schedule = () => {
    timer = setTimeout(look, intervalMs)
    timer.unref()
  }
  let timer: NodeJS.Timeout
  schedule()
  return {
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}

const samePair = (one: CertificatePair, other: CertificatePair): boolean =>
  one.cert.equals(other.cert) && one.key.equals(other.key)

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error))
