/** Certificates that the injectors would not make, as somebody else may put them into the Secret or `caBundle`. */
import 'reflect-metadata'
import { BasicConstraintsExtension, X509CertificateGenerator } from '@peculiar/x509'
import type { PemPair } from '../../../../injector/certificates/x509.ts'

export async function selfSigned(namedCurve: 'P-256' | 'P-384', ca: boolean, from: number): Promise<PemPair> {
  const algorithm = { name: 'ECDSA', namedCurve, hash: 'SHA-256' }
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=somebody else',
    notBefore: new Date(from),
    notAfter: new Date(from + 86_400_000),
    keys,
    signingAlgorithm: algorithm,
    extensions: ca ? [new BasicConstraintsExtension(true, 0, true)] : [],
  })
  const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  return {
    certificate: `${certificate.toString('pem')}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`,
  }
}
