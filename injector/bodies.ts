/**
 * Reads the bodies of reviews, all of them within one bound of memory. Who goes over it is the largest body under way:
 * a few clients that send megabytes must not keep out the few kilobytes that an ordinary pod has.
 */
import type { Readable } from 'node:stream'
import { holdsMoreValues } from './count-values.ts'
import type { Json } from './json.ts'

export interface BodyLimits {
  /** Bytes of one body. */
  readonly one: number
  /** Bytes of all bodies that are under way at a time. */
  readonly all: number
  /** JSON values of one body: each costs up to a hundred bytes of memory, however short its text. */
  readonly values: number
}

/** Why a body was not taken, with the HTTP status that says so. */
export class BodyError extends Error {
  readonly statusCode: number

  constructor(statusCode: number, message: string) {
    super(message)
    this.name = 'BodyError'
    this.statusCode = statusCode
  }
}

export type BodyTaken = (error: BodyError | null, body?: Json) => void

export interface Bodies {
  /**
   * @param declared Content-Length, or NaN
   * @param taken called once; its work is done when it returns, as far as the bound is concerned
   */
  read(payload: Readable, declared: number, taken: BodyTaken): void
}

interface UnderWay {
  bytes: number
  refuse(error: BodyError): void
}

export function createBodies(limits: BodyLimits): Bodies {
  const underWay = new Set<UnderWay>()
  let held = 0

  const largest = (): UnderWay | undefined => {
    let found: UnderWay | undefined
    for (const body of underWay) if (found === undefined || body.bytes > found.bytes) found = body
    return found
  }

  return {
    read(payload, declared, taken) {
      // Made only when needed: the stack of an error costs more than the whole decision about a pod.
      const tooLarge = () => new BodyError(413, `the body is larger than ${limits.one} bytes`)
      if (declared > limits.one) {
        taken(tooLarge())
        return
      }
      const chunks: Buffer[] = []
      let finished = false
      const body: UnderWay = {
        bytes: 0,
        refuse: (error) => finish(() => taken(error)),
      }
      underWay.add(body)

      const finish = (tell: () => void): void => {
        if (finished) return
        finished = true
        try {
          tell()
        } finally {
          underWay.delete(body)
          held -= body.bytes
          chunks.length = 0
        }
      }
      payload.on('data', (chunk: Buffer) => {
        if (finished) return
        body.bytes += chunk.length
        held += chunk.length
        chunks.push(chunk)
        if (body.bytes > limits.one) body.refuse(tooLarge())
        else if (held > limits.all) {
          largest()?.refuse(new BodyError(503, `more than ${limits.all} bytes of bodies are under way; try again`))
        }
      })
      payload.on('end', () => finish(() => parse(chunks, limits.values, taken)))
      const endedEarly = (): void => {
        if (!finished) body.refuse(new BodyError(400, 'the body ended early'))
      }
      payload.on('error', endedEarly)
      payload.on('close', endedEarly)
    },
  }
}

function parse(chunks: readonly Buffer[], mostValues: number, taken: BodyTaken): void {
  const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
  if (bytes.length > mostValues && holdsMoreValues(bytes, mostValues)) {
    taken(new BodyError(413, `the body holds more than ${mostValues} JSON values`))
    return
  }
  const text = bytes.toString('utf8')
  let body: Json
  try {
    body = JSON.parse(text) as Json
  } catch {
    const problem = text === '' ? 'the body is empty; an AdmissionReview is expected' : 'the body is not JSON'
    taken(new BodyError(400, problem))
    return
  }
  taken(null, body)
}
