/** `make bench-scale` */
import { scaleTables } from './tables.ts'

process.stdout.write(`${scaleTables().join('\n')}\n`)
