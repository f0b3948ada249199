import { describe, expect, it } from 'vitest'
import { healthOf } from '../../../status/health.ts'
import { metricsText } from '../../support/status-cluster.ts'

const ready = { status: 200, text: 'captures eth0\n' }

describe('what a pod answers of itself', () => {
  it('given reasons that steer a terminal, or have no end, then they are printed as what they are, and cut', () => {
    const dropped = { '\u001b[2J': 1, ['x'.repeat(500)]: 2 }
    const health = healthOf({ status: 200, text: metricsText({ dropped }) }, ready)
    expect(health).toMatchObject({
      dropped: 3,
      droppedByReason: { '\\u{1b}[2J': 1, [`${'x'.repeat(61)}...`]: 2 },
    })
  })

  it('given more reasons than there can be, then only so many are kept', () => {
    const dropped = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`reason_${index}`, 1]))
    const health = healthOf({ status: 200, text: metricsText({ dropped }) }, ready)
    expect(health).toMatchObject({ dropped: 32 })
  })
})
