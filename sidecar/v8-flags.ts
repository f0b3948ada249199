/**
 * What the packets ask of V8, set when a sidecar starts.
 *
 * At run time and not as options of a command line, of which there are many (image, chart, tests, by hand): V8 reads
 * these whenever it compiles or its heap grows. None is promised to stay: of one that is gone V8 says so on standard error
 * and goes on, and a test finds it.
 */
import { setFlagsFromString } from 'node:v8'

export const v8Flags: Readonly<Record<string, { readonly value: number; readonly why: string }>> = {
  'max-inlined-bytecode-size-cumulative': {
    value: 4000,
    why: "a frame passes some thirty small functions, of which many stay calls with V8's own 920",
  },
  'semi-space-growth-factor': {
    value: 1,
    why: 'the young generation stays at the mebibyte that it starts with, instead of growing to 32: packets allocate nothing, and what metrics and discovery leave behind is collected as well in a small one',
  },
}

export function setV8Flags(): void {
  for (const [name, { value }] of Object.entries(v8Flags)) setFlagsFromString(`--${name}=${value}`)
}
