/** Both versions on folders that look like the kernel's, since one machine has only one of them. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createAccount, findHierarchy } from '../../../bench/control-group.ts'

const first = `tmpfs /sys/fs/cgroup tmpfs rw 0 0
cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0
cgroup /sys/fs/cgroup/cpuset cgroup rw,relatime,cpuset 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
`
const second = 'cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n'

describe('the hierarchy', () => {
  it('given version 1, is where cpu and cpuacct are, together or apart', () => {
    const together = '/sys/fs/cgroup/cpu,cpuacct'
    expect(findHierarchy(first, () => '')).toEqual({ version: 1, cpu: together, accounting: together })
    const apart = 'cgroup /c/cpu cgroup rw,cpu 0 0\ncgroup /c/acct cgroup rw,cpuacct 0 0\n'
    expect(findHierarchy(apart, () => '')).toEqual({ version: 1, cpu: '/c/cpu', accounting: '/c/acct' })
  })

  it('given version 2, is its mount where that has the controller', () => {
    expect(findHierarchy(second, () => 'cpuset cpu io\n')).toEqual({ version: 2, root: '/sys/fs/cgroup' })
    expect(() => findHierarchy(second, () => 'cpuset io\n')).toThrow(
      'no control group hierarchy with the CPU controller',
    )
  })
})

describe('an account', () => {
  let root: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'vxtap-cgroup-'))
  })
  afterEach(() => rmSync(root, { recursive: true }))
  const read = (...path: string[]): string => readFileSync(join(root, ...path), 'utf8')
  const write = (text: string, ...path: string[]): void => writeFileSync(join(root, ...path), text)

  it('of version 1 moves processes, adds up nanoseconds, and limits by period and quota', () => {
    const hierarchy = { version: 1, cpu: join(root, 'cpu'), accounting: join(root, 'cpuacct') } as const
    const account = createAccount(hierarchy, 'bench', 'tap')
    account.add(42)
    expect([read('cpu/bench/tap/cgroup.procs'), read('cpuacct/bench/tap/cgroup.procs')]).toEqual(['42', '42'])
    write('2500000000\n', 'cpuacct/bench/tap/cpuacct.usage')
    expect(account.usageSeconds()).toBe(2.5)
    account.limit(0.25)
    expect([read('cpu/bench/tap/cpu.cfs_quota_us'), read('cpu/bench/tap/cpu.cfs_period_us')]).toEqual([
      '25000',
      '100000',
    ])
    account.limit(undefined)
    expect(read('cpu/bench/tap/cpu.cfs_quota_us')).toBe('-1')
  })

  it('of version 2 hands the controller down, and writes quota and period as one', () => {
    mkdirSync(join(root, 'bench'))
    write('memory\n', 'cgroup.subtree_control')
    write('cpu memory\n', 'bench', 'cgroup.subtree_control')
    const account = createAccount({ version: 2, root }, 'bench', 'tap')
    expect(read('cgroup.subtree_control')).toBe('+cpu')
    expect(read('bench/cgroup.subtree_control')).toBe('cpu memory\n')
    account.add(42)
    expect(read('bench/tap/cgroup.procs')).toBe('42')
    write('usage_usec 1500000\nuser_usec 1\n', 'bench/tap/cpu.stat')
    expect(account.usageSeconds()).toBe(1.5)
    account.limit(0.25)
    expect(read('bench/tap/cpu.max')).toBe('25000 100000')
    account.limit(undefined)
    expect(read('bench/tap/cpu.max')).toBe('max 100000')
  })
})
