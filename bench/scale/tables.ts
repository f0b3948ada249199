/**
 * What can be worked out of ten thousand taps without any of them: how they come back to an API server that was gone, how
 * flows spread over sensors, how many series a sidecar has. With the sidecar's own code. Pure: the same in each run.
 */
import { dropReasons } from '../../contract/drop-reasons.ts'
import { sidecarMetrics } from '../../contract/sidecar-metrics.ts'
import { rendezvous } from '../../sidecar/target/choose.ts'
import { mix, seedOf, type Target } from '../../sidecar/target/target.ts'
import { herd } from './herd.ts'

const sidecars = 10_000
const flows = 100_000

/** Marsaglia's xorshift32: the same figures in each run. */
function xorshift(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

const row = (cells: readonly (string | number)[], width = 14): string =>
  cells.map((cell) => String(cell).padStart(width)).join('')
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

const target = (index: number): Target => {
  const key = `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`
  return {
    key,
    address: '192.0.2.1',
    family: 4,
    name: `sensors/${index}`,
    sameNode: false,
    cut: 'unknown',
    seed: seedOf(key),
  }
}

/** The lines that are printed. */
export function scaleTables(): readonly string[] {
  const lines: string[] = []
  lines.push(`${sidecars} sidecars lose their watch at one moment (xorshift32, seed 1)`)
  lines.push(row(['gone for', 'refused', 'most in 100 ms', 'most in 1 s', 'half back', 'all back'], 16))
  for (const downMs of [0, 300, 1000, 5000, 30_000, 120_000]) {
    const found = herd({ sidecars, downMs, ended: 'cut' }, xorshift(1))
    const { refused, peakPer100Ms, peakPerSecond, halfBackMs, allBackMs } = found
    lines.push(
      row([seconds(downMs), refused, peakPer100Ms, peakPerSecond, seconds(halfBackMs), seconds(allBackMs)], 16),
    )
  }
  lines.push('')
  lines.push(
    `${flows} flows over sensors: how many each gets, of what would be equal, and how many move when one more comes`,
  )
  lines.push(row(['sensors', 'fewest', 'most', 'moved', 'one in n + 1'], 16))
  for (const sensors of [2, 3, 5, 10, 20, 50]) {
    const targets = Array.from({ length: sensors }, (_, index) => target(index))
    const more = [...targets, target(sensors)]
    const shares = new Array<number>(sensors).fill(0)
    let moved = 0
    for (let flow = 0; flow < flows; flow++) {
      const chosen = rendezvous(targets, mix(flow))
      shares[chosen] = (shares[chosen] ?? 0) + 1
      if (rendezvous(more, mix(flow)) !== chosen) moved += 1
    }
    const percent = (of: number, whole: number): string => `${((100 * of) / whole).toFixed(1)} %`
    const equal = flows / sensors
    lines.push(
      row(
        [
          sensors,
          percent(Math.min(...shares), equal),
          percent(Math.max(...shares), equal),
          percent(moved, flows),
          percent(1, sensors + 1),
        ],
        16,
      ),
    )
  }
  const metrics = Object.values(sidecarMetrics)
  const single = metrics.filter(({ labels }) => labels.length === 0).length
  const reasons = Object.keys(dropReasons).length
  lines.push('')
  lines.push('series of a sidecar that has found its sensors by label')
  lines.push(
    `${single} without labels + 1 of the build + ${reasons} reasons + 2 requests (list ok, watch ok) = ${single + 1 + reasons + 2}`,
  )
  lines.push('and two for each sensor it sends to, one for each errno, one for each other way in which a request ended')
  return lines
}
