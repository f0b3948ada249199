/** What is transferred: objects that both ends, and the judge, can make from their number alone. No two are alike. */
import { createHash } from 'node:crypto'

export const bodyBytes = 200_000

/** The last bytes of every body: the sensor's rule can only fire on them when the whole body reached it. */
export const marker = 'vxtap-end-of-body'

export const urlOf = (object: number) => `/object/${object}`

export function bodyOf(object: number): Buffer {
  const body = createHash('shake256', { outputLength: bodyBytes }).update(`object ${object}`).digest()
  body.write(marker, bodyBytes - marker.length, 'latin1')
  return body
}

export const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

/** One rule, in Suricata's language: what an analyst would write to be told of a file's content. */
export const rule = `alert http any any -> any any (msg:"marker in a response body"; flow:established,to_client; file.data; content:"${marker}"; sid:1000001; rev:1;)`
