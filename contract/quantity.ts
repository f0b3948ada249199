/**
 * Kubernetes quantities, as far as a sidecar's resources need them
 * (apimachinery pkg/api/resource/quantity.go): the suffixes that people write, and no others. Notably `m` is refused for
 * memory: `128m` is an eighth of a byte there, and always a mistake.
 */
import { accepted, type Parsed, refused } from './setting.ts'

/** A quantity as it was written, and what it amounts to: cores, or bytes. */
export interface Quantity {
  readonly text: string
  readonly amount: number
}

const mebibyte = 1024 * 1024
const memoryUnits: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 1024,
  Mi: mebibyte,
  Gi: 1024 * mebibyte,
}

const within = (text: string, amount: number, min: number, max: number): Parsed<Quantity> =>
  amount >= min && amount <= max ? accepted({ text, amount }) : refused

/** Cores, from 1m to 64; no finer than a thousandth, which the API server would round up. */
export function parseCpu(text: string): Parsed<Quantity> {
  const match = /^(?:(?<milli>[0-9]{1,6})m|(?<cores>[0-9]{1,3}(?:\.[0-9]{1,3})?))$/.exec(text)
  if (!match?.groups) return refused
  const { milli, cores } = match.groups
  return within(text, milli === undefined ? Number(cores) : Number(milli) / 1000, 0.001, 64)
}

/** Bytes, from 32Mi, below which Node cannot start, to 64Gi. */
export function parseMemory(text: string): Parsed<Quantity> {
  const match = /^(?<digits>[0-9]{1,15}(?:\.[0-9]{1,3})?)(?<unit>k|M|G|Ki|Mi|Gi|)$/.exec(text)
  if (!match?.groups) return refused
  const { digits, unit } = match.groups
  return within(text, Number(digits) * (memoryUnits[unit ?? ''] ?? 1), 32 * mebibyte, 64 * 1024 * mebibyte)
}
