import { describe, expect, it } from 'vitest'
import { batches } from '../../../../sidecar/status.ts'
import type { Cut, Target } from '../../../../sidecar/target/target.ts'
import { batchMode } from '../../../../sidecar/tunnel/batch-mode.ts'

const target = (cut: Cut): Target => ({
  key: 'a',
  address: '192.0.2.1',
  family: 4,
  name: 'sensors/a',
  sameNode: false,
  cut,
  seed: 1,
})

describe('BATCH=auto', () => {
  it.each(['wire', 'socket', 'xdp'] as const)(
    'given a sensor whose batches come apart (%s), then makes batches',
    (cut) => {
      expect(batchMode('auto', target(cut)).batch).toBe('gso')
    },
  )

  it.each(['declined', 'same-node', 'shared-kernel', 'unknown'] as const)(
    'given a sensor that may see batches whole (%s), then makes none',
    (cut) => {
      expect(batchMode('auto', target(cut)).batch).toBe('mmsg')
    },
  )
})

describe('BATCH=gso and BATCH=mmsg', () => {
  it.each(['gso', 'mmsg'] as const)('%s is heeded whatever the sensor', (batch) => {
    for (const cut of ['wire', 'same-node'] as const) {
      expect(batchMode(batch, target(cut))).toEqual({ batch, why: `BATCH=${batch}` })
    }
  })
})

describe('the sentence about how datagrams leave', () => {
  it('counts the sensors of each kind', () => {
    const path = (batch: 'gso' | 'mmsg') => ({ name: 'a', mtu: 1500, batch })
    expect(batches([path('gso'), path('mmsg'), path('gso')])).toBe(', 2 by gso and 1 by mmsg')
    expect(batches([])).toBe('')
  })
})
