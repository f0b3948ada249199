/**
 * Writes certificates: an authority and the leaves that it signs, X.509 v3 (RFC 5280) with ECDSA over P-256, the one kind
 * that every API server takes. The library resolves its parts through decorators, so the polyfill of their metadata
 * must be there before it.
 */
import 'reflect-metadata'
import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'

export interface PemPair {
  /** PEM */
  readonly certificate: string
  /** PEM, PKCS #8 */
  readonly key: string
}

export interface Validity {
  readonly notBefore: Date
  readonly notAfter: Date
}

export interface AuthorityRequest extends Validity {
  readonly commonName: string
}

export interface LeafRequest extends Validity {
  readonly commonName: string
  /** IP literals and DNS names of the subject alternative name extension. */
  readonly names: readonly string[]
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
type KeyPair = { readonly publicKey: CryptoKey; readonly privateKey: CryptoKey }
type CryptoKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>

/** A new authority, signed by itself, that may sign leaves and no other authority. */
export async function writeAuthority(request: AuthorityRequest): Promise<PemPair> {
  const keys = await newKeys()
  const extensions = [
    new BasicConstraintsExtension(true, 0, true),
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
  ]
  return write(request, nameOf(request.commonName), keys, keys, extensions)
}

/** A new serving certificate. Preconditions: the authority is one of `writeAuthority`. */
export async function writeLeaf(authority: PemPair, request: LeafRequest): Promise<PemPair> {
  const extensions = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
    new SubjectAlternativeNameExtension(
      request.names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
    ),
  ]
  const issuer = new X509Certificate(authority.certificate).subjectName
  return write(request, issuer, await newKeys(), await keysOf(authority.key), extensions)
}

async function write(
  request: AuthorityRequest,
  issuer: Name,
  subject: KeyPair,
  signer: KeyPair,
  extensions: readonly Extension[],
): Promise<PemPair> {
  const certificate = await X509CertificateGenerator.create({
    // Positive, and never the same twice: 127 random bits (RFC 5280 section 4.1.2.2 allows 20 octets).
    serialNumber: `40${randomBytes(15).toString('hex')}`,
    subject: nameOf(request.commonName),
    issuer,
    notBefore: request.notBefore,
    notAfter: request.notAfter,
    publicKey: subject.publicKey,
    signingKey: signer.privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      ...extensions,
      await SubjectKeyIdentifierExtension.create(subject.publicKey),
      await AuthorityKeyIdentifierExtension.create(signer.publicKey),
    ],
  })
  const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', subject.privateKey))
  return { certificate: `${certificate.toString('pem')}\n`, key: pem('PRIVATE KEY', key) }
}

const nameOf = (commonName: string): Name => new Name([{ CN: [commonName] }])

const newKeys = (): Promise<KeyPair> => crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])

async function keysOf(key: string): Promise<KeyPair> {
  const privateKey = createPrivateKey(key)
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' })
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  return {
    privateKey: await crypto.subtle.importKey('pkcs8', pkcs8, algorithm, true, ['sign']),
    publicKey: await crypto.subtle.importKey('spki', spki, algorithm, true, ['verify']),
  }
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
