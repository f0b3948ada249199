/** The little of DNS (RFC 1035 section 4.1) that the demonstration's workloads say: one question, one A record. */

const typeA = 1
const classIn = 1

export function dnsQuery(id: number, name: string): Buffer {
  const labels = name.split('.').flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)])
  // Recursion desired; one question.
  const header = Buffer.from([id >> 8, id & 0xff, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0])
  return Buffer.concat([header, ...labels, Buffer.from([0, 0, typeA, 0, classIn])])
}

/** The answer to a query: the question again, and one address with a time to live of 30 s. */
export function dnsAnswer(query: Buffer, address: readonly number[]): Buffer {
  const answer = Buffer.from([0xc0, 12, 0, typeA, 0, classIn, 0, 0, 0, 30, 0, 4, ...address])
  const message = Buffer.concat([query, answer])
  // A response, authoritative, recursion available; one answer.
  message.writeUInt16BE(0x8580, 2)
  message.writeUInt16BE(1, 6)
  return message
}
