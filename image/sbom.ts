/** The image's inventory as a CycloneDX 1.6 document (ECMA-424), from what is in the image; the same bytes each time. */
import type { DebianPackage, LooseFile, NpmPackage } from './packages.ts'

export interface Contents {
  /** vxtap's. */
  readonly version: string
  /** Without the leading v. */
  readonly node: string
  readonly npm: readonly NpmPackage[]
  readonly debian: readonly DebianPackage[]
  /** Of the distribution that the libraries are from: debian-12. */
  readonly distribution: string
  readonly loose: readonly LooseFile[]
}

export interface Component {
  readonly type: 'application' | 'library' | 'file'
  readonly 'bom-ref': string
  readonly name: string
  readonly version?: string
  readonly purl?: string
  readonly cpe?: string
  readonly licenses?: readonly [{ readonly license: { readonly id: string } } | { readonly expression: string }]
  readonly hashes?: readonly [{ readonly alg: 'SHA-256' | 'SHA-512'; readonly content: string }]
}

/** Neither a serial number nor a time, both optional: the document changes when the contents do. */
export function sbom(contents: Contents) {
  const vxtap = `pkg:npm/vxtap@${contents.version}`
  const components = [
    nodeComponent(contents.node),
    ...contents.npm.map(npmComponent),
    ...contents.debian.map((one) => debianComponent(one, contents.distribution)),
    ...contents.loose.map(fileComponent),
  ]
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': vxtap,
        name: 'vxtap',
        version: contents.version,
        purl: vxtap,
        licenses: [{ license: { id: 'Apache-2.0' } }],
      } satisfies Component,
    },
    // Two folders may hold the same version of a package.
    components: [...new Map(components.map((component) => [component['bom-ref'], component])).values()],
  }
}

const nodeComponent = (version: string): Component => ({
  type: 'application',
  'bom-ref': `pkg:generic/node@${version}`,
  name: 'node',
  version,
  purl: `pkg:generic/node@${version}`,
  cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`,
  licenses: [{ license: { id: 'MIT' } }],
})

function npmComponent({ name, version, license, integrity }: NpmPackage): Component {
  const purl = `pkg:npm/${name.replace('@', '%40')}@${encodeURIComponent(version)}`
  const [algorithm, digest] = integrity?.split('-') ?? []
  return {
    type: 'library',
    'bom-ref': purl,
    name,
    version,
    purl,
    ...(license === undefined ? {} : { licenses: [licenseOf(license)] }),
    ...(algorithm === 'sha512' && digest !== undefined
      ? { hashes: [{ alg: 'SHA-512', content: Buffer.from(digest, 'base64').toString('hex') }] }
      : {}),
  }
}

/** An expression has operators and brackets, an identifier has neither. */
const licenseOf = (license: string) => (/[\s()]/.test(license) ? { expression: license } : { license: { id: license } })

function debianComponent({ name, version, architecture, source }: DebianPackage, distribution: string): Component {
  const upstream = source === '' || source === name ? '' : `&upstream=${encodeURIComponent(source)}`
  const qualifiers = `arch=${architecture}&distro=${distribution}${upstream}`
  const purl = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?${qualifiers}`
  return { type: 'library', 'bom-ref': purl, name, version, purl }
}

const fileComponent = ({ path, sha256 }: LooseFile): Component => ({
  type: 'file',
  'bom-ref': `file:${path}`,
  name: path,
  hashes: [{ alg: 'SHA-256', content: sha256 }],
})
