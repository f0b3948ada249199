/** What the log says of how datagrams leave, when the kernel has refused batches. Sockets and sensor are on the loopback. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Counters } from '../../sidecar/counters.ts'
import { mapAnonymous } from '../../sidecar/linux/mapping.ts'
import type { Target } from '../../sidecar/target/target.ts'
import { SocketTransport } from '../../sidecar/tunnel/socket-transport.ts'
import { refuseBatches } from '../support/netns-foreign-sockets.ts'

const target: Target = {
  key: 'a',
  address: '127.0.0.1',
  family: 4,
  name: 'sensors/a',
  sameNode: false,
  cut: 'wire',
  seed: 1,
}
const other: Target = { ...target, key: 'b', address: '127.0.0.2', name: 'sensors/b' }

describe('given a sensor for which the kernel has refused batches', () => {
  const data = mapAnonymous(1 << 16, 'datagrams')
  const byGso = [expect.stringContaining('datagrams for sensors/a leave by gso: ')]
  let said: string[] = []
  let transport: SocketTransport

  /** What was said of the sensor since the last call. */
  const ofSensor = () => said.splice(0).filter((sentence) => sentence.includes(target.name))

  beforeEach(() => {
    said = []
    const say = (sentence: string) => void said.push(sentence)
    transport = new SocketTransport({
      sensorPort: 4789,
      portCount: 1,
      batch: 'gso',
      counters: new Counters(),
      log: { debug: say, info: say, warn: say, error: say },
      baseAddress: data.address,
      scratchLength: 1024,
      onOwnTunnel: () => {},
    })
    transport.setTargets([target])
    expect(ofSensor()).toEqual(byGso)
    refuseBatches(process.pid)
    for (let count = 0; count < 2; count++) transport.add(0, 0, 0, 100, 0, 0)
    transport.flush()
    expect(ofSensor()).toEqual([
      'datagrams for sensors/a leave by mmsg from now on: the kernel refuses batches of them (EINVAL)',
    ])
  })
  afterEach(() => transport.close())

  it('when another sensor comes, then nothing is said of this one, whose datagrams leave as before', () => {
    transport.setTargets([target, other])
    expect(transport.paths()).toMatchObject([{ batch: 'mmsg' }, { batch: 'gso' }])
    expect(ofSensor()).toEqual([])
  })

  it('when its path is opened anew, then it is said that batches leave again', () => {
    transport.setTargets([{ ...target, address: '127.0.0.3' }])
    expect(transport.paths()).toMatchObject([{ batch: 'gso' }])
    expect(ofSensor()).toEqual(byGso)
  })
})
