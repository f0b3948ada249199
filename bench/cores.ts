/** Which of the machine's cores this process may use: in a container or under taskset not all, and not always the first. */

/** @param list as in Cpus_allowed_list of /proc/self/status: `0-3,8` */
export function coreList(list: string): number[] {
  return list
    .trim()
    .split(',')
    .filter(Boolean)
    .flatMap((part) => {
      const [first = 0, last = first] = part.split('-').map(Number)
      return Array.from({ length: last - first + 1 }, (_, index) => first + index)
    })
}

/** @param status /proc/self/status */
export function allowedCores(status: string): number[] {
  return coreList(/^Cpus_allowed_list:\s*(.*)$/m.exec(status)?.[1] ?? '0')
}

/** The cores behind the numbers 0 and 1 of the matrix; where there is one alone, it is both. */
export function realCores(wanted: readonly number[], allowed: readonly number[]): string {
  return [...new Set(wanted.map((core) => allowed[core % allowed.length] ?? 0))].join(',')
}
