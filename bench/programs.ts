/** Where the programs are that scripts/bench-programs.sh compiles, and the bundle that `make build` makes. */
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

export const bundle = `${root}dist/vxtap.mjs`

export const program = (name: 'flood' | 'sensor' | 'libpcap-sendto'): string => `${root}build/bench/${name}`
