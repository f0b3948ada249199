/**
 * What a MutatingAdmissionPolicy, which has CEL and no code of ours, can check of an annotation: an RE2 expression that
 * matches nothing that the setting's parser refuses. It may match less (a memory limit in Ki, a filter of 3000
 * characters): what a policy does not understand it leaves alone. An annotation without an entry is not known to it.
 */
const whole = (expression: string): string => `^(${expression})$`
const words = (...all: readonly string[]): string => whole(all.join('|'))

/**
 * Decimal numbers without leading zeros from `min` to `max`.
 *
 * Each alternative fixes the leading digits and one digit's range, and leaves the rest free; the sequence walks from
 * `min` up to `max` in the largest blocks of ten, hundred, ... that fit.
 */
export function rangePattern(min: number, max: number): string {
  const blocks: string[] = []
  for (let from = min; from <= max; ) {
    let size = 1
    while (from % (size * 10) === 0 && from + size * 10 - 1 <= max && from >= size * 10) size *= 10
    // As many neighbouring blocks of this size as share the digits above.
    const digit = Math.floor(from / size) % 10
    const fitting = Math.min(9 - digit, Math.floor((max - from + 1) / size) - 1)
    blocks.push(blockPattern(Math.floor(from / (size * 10)), digit, digit + fitting, Math.log10(size)))
    from += size * (fitting + 1)
  }
  return blocks.join('|')
}

function blockPattern(above: number, first: number, last: number, free: number): string {
  const digit = first === last ? String(first) : `[${first}-${last}]`
  return `${above === 0 ? '' : above}${digit}${free === 0 ? '' : `[0-9]{${Math.round(free)}}`}`
}

const label = '[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?'
const labelWithDots = '[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?'
const memory = whole(`(${rangePattern(32, 65536)})Mi|(${rangePattern(1, 64)})Gi`)
const cpu = whole(`(${rangePattern(1, 64000)})m|${rangePattern(1, 64)}`)

/** Words that a policy does not offer although the injector may: `engine: kernel` needs a capability that no policy gives. */
export const notForPolicies: Readonly<Record<string, string>> = { engine: 'kernel' }

/** By annotation name without the prefix. */
export const policyPatterns: Readonly<Record<string, string>> = {
  // Labels alone: a policy cannot tell an address in the cluster from one outside, so nobody but the operator names one.
  sensor: whole(`${label}|run=${labelWithDots}`),
  'sensor-namespace': whole('\\*|([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?'),
  'sensor-port': whole(rangePattern(1, 65535)),
  vni: whole(`0[xX][0-9a-fA-F]{1,6}|${rangePattern(0, 0xffffff)}`),
  interface: whole('[A-Za-z0-9_-][A-Za-z0-9._@-]{0,14}'),
  // RE2 counts no further than 1000.
  filter: whole('[ -~]{0,1000}'),
  direction: words('both', 'in', 'out'),
  snaplen: whole(`0|${rangePattern(64, 65535)}`),
  segment: words('fit', 'wire'),
  engine: words('auto', 'ring', 'pcap'),
  batch: words('auto', 'gso', 'mmsg'),
  'source-ports': words('1', '2', '4', '8', '16', '32', '64'),
  'max-mbps': whole(rangePattern(0, 1_000_000)),
  'sample-flows': whole(rangePattern(1, 100)),
  'log-level': words('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
  image: whole('[A-Za-z0-9][A-Za-z0-9._/:@-]{0,511}'),
  'cpu-request': cpu,
  'cpu-limit': cpu,
  'memory-request': memory,
  'memory-limit': memory,
  hold: words('true', 'false'),
}
