/**
 * Certificates for the lab: an authority and the leaves it signs, X.509 v3 (RFC 5280) over P-256, written in DER
 * directly. Enough for servers on loopback and for webhooks; nothing here is meant to outlive a test or a demonstration.
 */
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { isIP, isIPv4 } from 'node:net'

export interface KeyPair {
  /** PEM */
  readonly certificate: string
  /** PEM, PKCS #8 */
  readonly key: string
}

export interface LeafOptions {
  readonly commonName: string
  /** IP literals and DNS names of the subject alternative name extension. */
  readonly names: readonly string[]
  /** Default: an hour ago. */
  readonly notBefore?: Date
  /** Default: in a day. */
  readonly notAfter?: Date
}

export interface Authority extends KeyPair {
  issue(options: LeafOptions): KeyPair
}

/** A new self-signed authority, valid for `days`. */
export function createAuthority(commonName: string, days = 3650): Authority {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const certificate = certify({
    subject: commonName,
    issuer: commonName,
    publicKey,
    signer: privateKey,
    issuerKey: publicKey,
    notBefore: new Date(Date.now() - hourMs),
    notAfter: new Date(Date.now() + days * 24 * hourMs),
    extensions: [
      extension(oids.basicConstraints, sequence(boolean(true)), true),
      // keyCertSign and cRLSign: bits 5 and 6 of RFC 5280 section 4.2.1.3, one unused bit.
      extension(oids.keyUsage, tlv(0x03, Buffer.from([0x01, 0x06])), true),
    ],
  })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  return { certificate, key, issue: (options) => issueLeaf(commonName, publicKey, createPrivateKey(key), options) }
}

const hourMs = 3_600_000

function issueLeaf(issuer: string, issuerKey: KeyObject, signer: KeyObject, options: LeafOptions): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const certificate = certify({
    subject: options.commonName,
    issuer,
    publicKey,
    signer,
    issuerKey,
    notBefore: options.notBefore ?? new Date(Date.now() - hourMs),
    notAfter: options.notAfter ?? new Date(Date.now() + 24 * hourMs),
    extensions: [
      extension(oids.basicConstraints, sequence(), true),
      // digitalSignature: bit 0, seven unused bits.
      extension(oids.keyUsage, tlv(0x03, Buffer.from([0x07, 0x80])), true),
      extension(oids.extendedKeyUsage, sequence(objectIdentifier(oids.serverAuth), objectIdentifier(oids.clientAuth))),
      extension(oids.subjectAltName, sequence(...options.names.map(generalName))),
    ],
  })
  return { certificate, key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string }
}

interface Certificate {
  readonly subject: string
  readonly issuer: string
  readonly publicKey: KeyObject
  readonly issuerKey: KeyObject
  readonly signer: KeyObject
  readonly notBefore: Date
  readonly notAfter: Date
  readonly extensions: readonly Buffer[]
}

function certify(certificate: Certificate): string {
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' })
  const identifiers = [
    extension(oids.subjectKeyIdentifier, tlv(0x04, keyIdentifier(certificate.publicKey))),
    extension(oids.authorityKeyIdentifier, sequence(tlv(0x80, keyIdentifier(certificate.issuerKey)))),
  ]
  const toBeSigned = sequence(
    tlv(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([0x40]), randomBytes(15)])),
    ecdsaWithSha256,
    distinguishedName(certificate.issuer),
    sequence(time(certificate.notBefore), time(certificate.notAfter)),
    distinguishedName(certificate.subject),
    spki,
    tlv(0xa3, sequence(...certificate.extensions, ...identifiers)),
  )
  const signature = sign('sha256', toBeSigned, { key: certificate.signer, dsaEncoding: 'der' })
  const der = sequence(toBeSigned, ecdsaWithSha256, tlv(0x03, Buffer.concat([Buffer.from([0]), signature])))
  const lines = der.toString('base64').replace(/(.{64})/g, '$1\n')
  return `-----BEGIN CERTIFICATE-----\n${lines.trimEnd()}\n-----END CERTIFICATE-----\n`
}

const oids = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const

/** Tag, length in its shortest form (X.690 section 10.1), content. */
function tlv(tag: number, content: Uint8Array): Buffer {
  const length = content.length
  const head =
    length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from(head), content])
}

function sequence(...parts: Uint8Array[]): Buffer {
  return tlv(0x30, Buffer.concat(parts))
}

function boolean(value: boolean): Buffer {
  return tlv(0x01, Buffer.from([value ? 0xff : 0]))
}

/** Preconditions: the first byte is below 0x80, so that the number is not negative. */
function integer(bytes: Uint8Array): Buffer {
  return tlv(0x02, bytes)
}

function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes = [first * 40 + second]
  for (const arc of rest) {
    const groups = [arc & 0x7f]
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80)
    bytes.push(...groups)
  }
  return tlv(0x06, Buffer.from(bytes))
}

const ecdsaWithSha256 = sequence(objectIdentifier(oids.ecdsaWithSha256))

function distinguishedName(commonName: string): Buffer {
  const attribute = sequence(objectIdentifier(oids.commonName), tlv(0x0c, Buffer.from(commonName)))
  return sequence(tlv(0x31, attribute))
}

/** UTCTime before 2050, GeneralizedTime from then on (RFC 5280 section 4.1.2.5). */
function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-T:]/g, '').slice(0, 14)
  return date.getUTCFullYear() < 2050
    ? tlv(0x17, Buffer.from(`${digits.slice(2)}Z`))
    : tlv(0x18, Buffer.from(`${digits}Z`))
}

function extension(oid: string, value: Buffer, critical = false): Buffer {
  const parts = [objectIdentifier(oid), ...(critical ? [boolean(true)] : []), tlv(0x04, value)]
  return sequence(...parts)
}

function keyIdentifier(key: KeyObject): Buffer {
  return createHash('sha1')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest()
}

/** dNSName is [2], iPAddress [7] with 4 or 16 bytes (RFC 5280 section 4.2.1.6). */
function generalName(name: string): Buffer {
  return isIP(name) === 0 ? tlv(0x82, Buffer.from(name)) : tlv(0x87, addressBytes(name))
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number))
  // The URL parser expands nothing but normalises embedded IPv4; zero runs are put back here.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right]
  const bytes = Buffer.alloc(16)
  for (const [index, group] of groups.entries()) bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2)
  return bytes
}
