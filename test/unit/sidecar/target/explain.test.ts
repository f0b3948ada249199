import { describe, expect, it } from 'vitest'
import { eligibleTargets, type Place } from '../../../../sidecar/target/choose.ts'
import { explainForbidden, explainFound, explainNone, meanwhile } from '../../../../sidecar/target/explain.ts'
import { view } from './pods.ts'

const place: Place = { nodeName: 'node-1', zone: '', families: new Set([4]), ownAddresses: new Set(['10.9.9.9']) }

describe('what discovery says', () => {
  it('names the label and the namespace when there is no such pod', () => {
    expect(explainNone([], place, 'zeek', 'sensors')).toBe(
      'no pod with the label run=zeek in namespace "sensors"; looking on',
    )
    expect(explainNone([], place, 'zeek', '*')).toBe('no pod with the label run=zeek in all namespaces; looking on')
  })

  it.each([
    [{ phase: 'Pending' }, 'is Pending'],
    [{ phase: '' }, 'is not started'],
    [{ ready: false }, 'is not Ready'],
    [{ terminating: true }, 'is terminating'],
    [{ addresses: [] }, 'has no address yet'],
    [{ addresses: ['fd00::1'] }, 'has only IPv6, which this pod does not have'],
  ])('given a pod with %j, then says that it %s', (fields, reason) => {
    expect(explainNone([view('zeek-1', fields)], place, 'zeek', 'sensors')).toBe(
      `1 pod has the label run=zeek in namespace "sensors", but none can be sent to: sensors/zeek-1 ${reason}; looking on`,
    )
  })

  it('given a pod that is a sensor itself, then says so, and what to do', () => {
    const pods = [view('zeek-1', { addresses: ['10.9.9.9'] }), view('zeek-2')]
    expect(explainNone(pods, place, 'zeek', 'sensors')).toMatch(/^this pod is itself a sensor.*run=zeek.*Opt it out/)
  })

  it('names three of many', () => {
    const pods = ['a', 'b', 'c', 'd', 'e'].map((uid) => view(uid, { ready: false }))
    expect(explainNone(pods, place, 'zeek', 'sensors')).toBe(
      '5 pods have the label run=zeek in namespace "sensors", but none can be sent to: sensors/a is not Ready, sensors/b is not Ready, sensors/c is not Ready, and 2 more; looking on',
    )
  })

  it('names what was found, and whether it is near', () => {
    expect(explainFound(eligibleTargets([view('a', { nodeName: 'node-1' })], place))).toBe(
      'sending to 1 sensor on this node: sensors/a (10.0.0.1)',
    )
    expect(
      explainFound(
        eligibleTargets(
          ['a', 'b', 'c', 'd'].map((uid) => view(uid)),
          place,
        ),
      ),
    ).toBe('sending to 4 sensors: sensors/a (10.0.0.1), sensors/b (10.0.0.1), sensors/c (10.0.0.1), and 1 more')
  })

  it('names the rule that is missing', () => {
    expect(explainForbidden('sensors', 'system:serviceaccount:shop:default')).toBe(
      'not allowed to look for the sensor; needs: get, list, watch pods in namespace "sensors" for system:serviceaccount:shop:default',
    )
    expect(explainForbidden('*', '')).toContain("pods in all namespaces for the pod's service account")
  })

  it('says what goes on meanwhile', () => {
    expect(meanwhile([])).toBe('no sensor is known yet; trying on')
    expect(meanwhile(eligibleTargets([view('a')], place))).toBe('going on with the last known 1 sensor; trying on')
  })
})
