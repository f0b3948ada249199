/** The version of everything in this package, from its one place: package.json. */
import packageJson from '../package.json' with { type: 'json' }

export const version: string = packageJson.version
