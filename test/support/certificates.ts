/**
 * Self-signed certificates for tests: ECDSA P-256, written in DER by hand (RFC 5280), at once and without the library that
 * writes the injectors' own. The certificate is its own CA: trust it as it is.
 */
import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { isIPv4 } from 'node:net'

export interface TestCertificate {
  /** PEM */
  readonly cert: string
  /** PEM, PKCS #8 */
  readonly key: string
}

export interface TestCertificateOptions {
  readonly commonName?: string
  /** DNS names and IPv4 addresses. */
  readonly names?: readonly string[]
  readonly notBefore?: Date
  readonly notAfter?: Date
}

const day = 86_400_000

export function makeCertificate(options: TestCertificateOptions = {}): TestCertificate {
  const { commonName = 'vxtap test', names = ['localhost', '127.0.0.1'] } = options
  const { notBefore = new Date(Date.now() - day), notAfter = new Date(Date.now() + day) } = options
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const name = sequence(set(sequence(oid(oids.commonName), tlv(tags.utf8String, Buffer.from(commonName)))))
  const serial = randomBytes(8)
  serial[0] = (serial[0]! & 0x7f) | 0x01
  const body = sequence(
    tlv(tags.context0, tlv(tags.integer, Buffer.from([2]))), // version 3
    tlv(tags.integer, serial),
    sequence(oid(oids.ecdsaWithSha256)),
    name,
    sequence(utcTime(notBefore), utcTime(notAfter)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tlv(tags.context3, sequence(basicConstraints, alternativeNames(names))),
  )
  const signature = sign('sha256', body, createPrivateKey(key))
  const certificate = sequence(body, sequence(oid(oids.ecdsaWithSha256)), bitString(signature))
  return { cert: pem(certificate), key }
}

const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  sequence: 0x30,
  set: 0x31,
  dnsName: 0x82,
  ipAddress: 0x87,
  context0: 0xa0,
  context3: 0xa3,
} as const

const oids = {
  commonName: '550403', // 2.5.4.3
  ecdsaWithSha256: '2a8648ce3d040302', // 1.2.840.10045.4.3.2
  basicConstraints: '551d13', // 2.5.29.19
  subjectAltName: '551d11', // 2.5.29.17
} as const

function tlv(tag: number, content: Buffer): Buffer {
  const length = content.length
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content])
  const octets = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...octets]), content])
}

const sequence = (...parts: readonly Buffer[]): Buffer => tlv(tags.sequence, Buffer.concat(parts))
const set = (...parts: readonly Buffer[]): Buffer => tlv(tags.set, Buffer.concat(parts))
const oid = (hex: string): Buffer => tlv(tags.oid, Buffer.from(hex, 'hex'))
const bitString = (content: Buffer): Buffer => tlv(tags.bitString, Buffer.concat([Buffer.from([0]), content]))

/** YYMMDDHHMMSSZ, valid to 2049. */
const utcTime = (date: Date): Buffer =>
  tlv(tags.utcTime, Buffer.from(`${date.toISOString().slice(2, 19).replace(/[-:T]/g, '')}Z`))

const extension = (id: string, ...content: readonly Buffer[]): Buffer =>
  sequence(oid(id), tlv(tags.octetString, sequence(...content)))

const basicConstraints = extension(oids.basicConstraints, tlv(tags.boolean, Buffer.from([0xff])))

const alternativeNames = (names: readonly string[]): Buffer =>
  extension(
    oids.subjectAltName,
    ...names.map((name) =>
      isIPv4(name)
        ? tlv(tags.ipAddress, Buffer.from(name.split('.').map(Number)))
        : tlv(tags.dnsName, Buffer.from(name)),
    ),
  )

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
