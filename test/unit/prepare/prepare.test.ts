/** Decisions of `vxtap prepare-sensor` that this machine's kernel cannot be brought to; the others are in test/netns. */
import { constants } from 'node:os'
import { describe, expect, it } from 'vitest'
import { describePreparation, preparationOutcomes } from '../../../contract/preparation-outcomes.ts'
import { type Kernel, prepare, undo } from '../../../prepare/prepare.ts'
import { SyscallError } from '../../../sidecar/linux/errno.ts'
import type { Link } from '../../../sidecar/linux/link.ts'
import type { Change } from '../../../sidecar/linux/netlink.ts'

const { EBUSY, EINVAL, ENOSPC, EOPNOTSUPP, EPERM, ERANGE } = constants.errno
const veth: Link = {
  index: 7,
  kind: 'veth',
  mtu: 1500,
  alias: '',
  xdp: { mode: 'none', programId: 0 },
  sentBytes: 0,
  unsent: 0,
}
const done: Change = { errno: 0, said: '' }

type FakeKernel = Kernel & { calls: string[]; link: Link }

/** A kernel with one interface, eth0; `calls` is what changed it, in order. */
function kernelWith(start: Partial<Link> = {}, answers: Partial<Kernel> = {}): FakeKernel {
  const state: FakeKernel = {
    link: { ...veth, ...start },
    calls: [],
    findLink: (name: string) => (name === 'eth0' ? state.link : undefined),
    loadProgram: () => ({ fd: 30, id: 42, close: () => void state.calls.push('close 30') }),
    attachXdp: (index: number, fd: number): Change => {
      state.calls.push(`attach ${fd} to ${index}`)
      state.link = { ...state.link, xdp: { mode: 'driver', programId: 42 } }
      return done
    },
    detachXdp: (index: number): Change => {
      state.calls.push(`detach from ${index}`)
      state.link = { ...state.link, xdp: { mode: 'none', programId: 0 } }
      return done
    },
    setAlias: (_index: number, alias: string): Change => {
      state.calls.push(`alias "${alias}"`)
      state.link = { ...state.link, alias }
      return done
    },
    missingPrivilege: () => undefined,
    ...answers,
  }
  return state
}

const refusing = (errno: number, said = ''): Partial<Kernel> => ({ attachXdp: () => ({ errno, said }) })

describe('preparing a sensor', () => {
  it('marks the interface before it attaches, so that a program without the mark is never ours', () => {
    const kernel = kernelWith()
    expect(prepare('eth0', kernel)).toEqual({ code: 'prepared', parameters: { interface: 'eth0', program: '42' } })
    expect(kernel.calls).toEqual(['alias "vxtap-xdp=42"', 'attach 30 to 7', 'close 30'])
  })

  it.each([
    ['no_native_xdp', EOPNOTSUPP, 'Underlying driver does not support XDP in native mode'],
    ['mtu_too_large', ERANGE, 'Peer MTU is too large to set XDP'],
    ['kernel_refused', ENOSPC, 'XDP expects number of rx queues not less than peer tx queues'],
    ['foreign_program', EBUSY, 'XDP program already attached'],
  ] as const)('says %s, closes the program and takes the mark off again, given errno %i', (code, errno, said) => {
    const kernel = kernelWith({ alias: 'uplink', mtu: 9000 }, refusing(errno, said))
    const outcome = prepare('eth0', kernel)
    expect(outcome.code).toBe(code)
    expect(kernel.link.alias).toBe('uplink')
    expect(kernel.calls).toContain('close 30')
  })

  it('given that the kernel does not show the interface after the attaching, then says that, not that it could not load', () => {
    const kernel = kernelWith()
    const { findLink } = kernel
    kernel.findLink = (name) => {
      if (kernel.link.xdp.mode !== 'none') throw new SyscallError('RTM_GETLINK', EINVAL, 'cannot look')
      return findLink(name)
    }
    expect(describePreparation(prepare('eth0', kernel))).toBe(
      'the kernel refused to show whether the XDP program 42, now on eth0, is in effect: EINVAL (kernel_refused)',
    )
    expect(kernel.calls).toContain('close 30')
  })

  const other = { mode: 'driver', programId: 41 } as const

  it.each([
    ['attaches while this one loads its program', { load: { alias: 'uplink vxtap-xdp=41', xdp: other } }],
    [
      'marks before this one does, and attaches after it did',
      { load: { alias: 'uplink vxtap-xdp=41' }, attach: { xdp: other } },
    ],
    ['marks and attaches after this one has marked', { attach: { alias: 'uplink vxtap-xdp=41', xdp: other } }],
  ] as [string, { load?: Partial<Link>; attach?: Partial<Link> }][])(
    'given that another run %s, then its program keeps its mark and can be undone',
    (_when, { load, attach }) => {
      const kernel = kernelWith({ alias: 'uplink' })
      const program = kernel.loadProgram()
      kernel.loadProgram = () => {
        kernel.link = { ...kernel.link, ...load }
        return program
      }
      kernel.attachXdp = () => {
        kernel.link = { ...kernel.link, ...attach }
        return { errno: EBUSY, said: '' }
      }
      const outcome = { code: 'already_prepared', parameters: { interface: 'eth0', program: '41' } }
      expect(prepare('eth0', kernel)).toEqual(outcome)
      expect(kernel.link.alias).toBe('uplink vxtap-xdp=41')
      expect(undo('eth0', kernel).code).toBe('undone')
      expect(kernel.link.alias).toBe('uplink')
    },
  )

  it("given that somebody else's program was faster, then names it and takes the mark off", () => {
    const kernel = kernelWith({ alias: 'uplink' })
    kernel.attachXdp = () => {
      kernel.link = { ...kernel.link, xdp: other }
      return { errno: EBUSY, said: '' }
    }
    expect(prepare('eth0', kernel)).toEqual({
      code: 'foreign_program',
      parameters: { interface: 'eth0', attached: 'program 41, in the driver' },
    })
    expect(kernel.link.alias).toBe('uplink')
  })

  it("hands the kernel's own words on", () => {
    const words = 'XDP expects number of rx queues not less than peer tx queues'
    expect(describePreparation(prepare('eth0', kernelWith({}, refusing(ENOSPC, words))))).toBe(
      `the kernel refused to attach the XDP program to eth0: ENOSPC, ${words} (kernel_refused)`,
    )
    expect(describePreparation(prepare('eth0', kernelWith({}, refusing(EOPNOTSUPP))))).toContain(
      'does not change what the node sends: ENOTSUP;',
    )
  })

  it.each([
    ['none', 0, 'none'],
    ['other', 42, 'program 42, generic, or more than one'],
    ['driver', 43, 'program 43, in the driver'],
  ] as const)(
    'does not believe an acknowledgement, given that the kernel then shows %s, program %i',
    (mode, programId, attached) => {
      const kernel = kernelWith()
      kernel.attachXdp = () => {
        kernel.link = { ...kernel.link, xdp: { mode, programId } }
        return done
      }
      expect(prepare('eth0', kernel)).toMatchObject({ code: 'not_in_effect', parameters: { attached } })
    },
  )

  it("is somebody else's program, given a generic one, or the mark of another id", () => {
    const alias = 'vxtap-xdp=42'
    for (const link of [
      { alias, xdp: { mode: 'other', programId: 42 } },
      { alias, xdp: { mode: 'driver', programId: 43 } },
      { alias: '', xdp: { mode: 'driver', programId: 42 } },
    ] as const) {
      const kernel = kernelWith(link)
      expect([prepare('eth0', kernel).code, undo('eth0', kernel).code]).toEqual(['foreign_program', 'foreign_program'])
      expect(kernel.calls).toEqual([])
    }
  })

  it('does nothing at all, given an interface that is no veth or does not exist', () => {
    const kernel = kernelWith({ kind: 'macvlan' })
    expect(prepare('eth0', kernel)).toEqual({
      code: 'not_veth',
      parameters: { interface: 'eth0', kind: 'a macvlan device' },
    })
    expect(prepare('eth1', kernel).code).toBe('no_interface')
    expect(undo('eth1', kernel).code).toBe('no_interface')
    expect(kernel.calls).toEqual([])
  })

  it('asks why only when it was refused, and says errno where no privilege is the cause', () => {
    const loadProgram = () => {
      throw new SyscallError('bpf', EPERM, 'cannot load the XDP program')
    }
    expect(prepare('eth0', kernelWith({}, { loadProgram }))).toEqual({
      code: 'kernel_refused',
      parameters: { what: 'load the XDP program', said: 'EPERM' },
    })
    const missingPrivilege = () => ({ code: 'user_namespace', parameters: {} }) as const
    expect(prepare('eth0', kernelWith({}, { loadProgram, missingPrivilege })).code).toBe('user_namespace')
    expect(prepare('eth0', kernelWith({}, { missingPrivilege })).code).toBe('prepared')
    const change = { errno: EPERM, said: '' }
    expect(prepare('eth0', kernelWith({}, { setAlias: () => change, missingPrivilege })).code).toBe('user_namespace')
    expect(prepare('eth0', kernelWith({}, { attachXdp: () => change, missingPrivilege })).code).toBe('user_namespace')
  })

  it('does not swallow what is no answer of the kernel', () => {
    const loadProgram = () => {
      throw new TypeError('a defect')
    }
    expect(() => prepare('eth0', kernelWith({}, { loadProgram }))).toThrow('a defect')
  })

  it('attaches nothing, given an alias that leaves no room for the mark', () => {
    const kernel = kernelWith({ alias: 'x'.repeat(250) })
    expect(prepare('eth0', kernel).code).toBe('kernel_refused')
    expect(kernel.calls).toEqual(['close 30'])
  })
})

describe('undoing it', () => {
  it('detaches the program, then takes the mark off', () => {
    const kernel = kernelWith({ alias: 'uplink vxtap-xdp=42', xdp: { mode: 'driver', programId: 42 } })
    expect(undo('eth0', kernel).code).toBe('undone')
    expect(kernel.calls).toEqual(['detach from 7', 'alias "uplink"'])
  })

  it('leaves the mark where detaching was refused', () => {
    const detachXdp = () => ({ errno: EINVAL, said: 'no' })
    const kernel = kernelWith({ alias: 'vxtap-xdp=42', xdp: { mode: 'driver', programId: 42 } }, { detachXdp })
    expect(describePreparation(undo('eth0', kernel))).toContain('detach the XDP program from eth0: EINVAL, no')
    expect(kernel.link.alias).toBe('vxtap-xdp=42')
  })

  it('takes away a mark that was left without its program', () => {
    const kernel = kernelWith({ alias: 'vxtap-xdp=41' })
    expect(undo('eth0', kernel).code).toBe('nothing_to_undo')
    expect(kernel.calls).toEqual(['alias ""'])
  })
})

describe('the catalogue of outcomes', () => {
  it('exits with 0 where the state is the one that was asked for, and nowhere else', () => {
    const good = Object.entries(preparationOutcomes).filter(([, { exit }]) => exit.code === 0)
    expect(good.map(([code]) => code)).toEqual(['prepared', 'already_prepared', 'undone', 'nothing_to_undo'])
  })

  it('leaves no placeholder in a line', () => {
    const kernel = kernelWith({}, refusing(ERANGE))
    expect(describePreparation(prepare('eth0', kernel))).not.toMatch(/[{}]/)
    expect(describePreparation(prepare('eth1', kernel))).toBe(
      "there is no interface eth1 here; name the pod's interface with --interface (no_interface)",
    )
  })
})
