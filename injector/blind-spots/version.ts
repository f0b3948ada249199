/** Versions as Semantic Versioning has them, major.minor.patch; what is behind a hyphen or a plus is not compared. */
export function isOlder(version: string, than: string): boolean {
  const [a, b] = [numbersOf(version), numbersOf(than)]
  if (a === undefined || b === undefined) return false
  const differs = a.findIndex((number, index) => number !== b[index])
  return differs >= 0 && a[differs]! < b[differs]!
}

const numbersOf = (version: string): number[] | undefined =>
  /^v?([0-9]+)\.([0-9]+)\.([0-9]+)/.exec(version)?.slice(1, 4).map(Number)
