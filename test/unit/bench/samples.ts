/** Results made by hand. */
import type { Cell, Results, Sample } from '../../../bench/results.ts'

export const sample = (over: Partial<Sample> = {}): Sample => ({
  run: 1,
  seconds: 1,
  offered: 1000,
  mirrored: 1000,
  backlog: 0,
  share: 1,
  lost: 0,
  checked: 10,
  good: 10,
  tapCpuSeconds: 0.001,
  totalCpuSeconds: 0.5,
  residentMb: 50,
  rate: 1000,
  ...over,
})

/** @param key WORKLOAD/PLACEMENT */
export function cell(contestant: string, key: string, ...samples: Partial<Sample>[]): Cell {
  const [workload = '', placement = ''] = key.split('/')
  return { contestant, workload, placement, samples: samples.map((over, index) => sample({ run: index + 1, ...over })) }
}

export function results(...cells: Cell[]): Results {
  const names = [...new Set(cells.map(({ contestant }) => contestant))]
  return {
    format: 1,
    date: '2026-11-21T12:00:00.000Z',
    machine: '2 cores',
    command: 'make bench',
    commit: '0123456789ab',
    runs: 3,
    seconds: 400,
    contestants: names.map((name) => ({ name, title: `the ${name}`, how: 'a program' })),
    cells,
    failures: [],
  }
}
