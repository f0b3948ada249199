/** Names of the images that the cluster's nodes have. No registry has them: `.test` never resolves (RFC 6761). */
import { version } from '../../../contract/version.ts'

export const vxtapRepository = 'vxtap.test/vxtap'
export const vxtapImage = `${vxtapRepository}:${version}`
export const pauseImage = 'vxtap.test/pause:1'
export const corednsImage = 'vxtap.test/coredns:1'
export const suricataImage = 'vxtap.test/suricata:7'
