/** What an image of vxtap says of itself, in the archive and in the Containerfile alike, and how large it may be. */
import { version } from '../contract/version.ts'
import type { ImageConfig } from './oci.ts'

export const imageConfig = {
  entrypoint: ['node', '/app/dist/vxtap.mjs'],
  /** The injector's number; the sidecar's container asks for user 0 itself, because NET_RAW reaches no other user. */
  user: '65532:65532',
  labels: {
    'org.opencontainers.image.title': 'vxtap',
    'org.opencontainers.image.description': 'Mirrors the packets of Kubernetes pods to network sensors over VXLAN',
    'org.opencontainers.image.version': version,
    'org.opencontainers.image.licenses': 'Apache-2.0',
  },
} as const satisfies ImageConfig

/** Bars: what a node pulls (compressed layers), and what that takes on its disk. In units of 10^6 bytes. */
export const barsMb = { compressed: 60, unpacked: 135 } as const
