/** A kernel that lets nothing be marked, and a capture that does not take the filter which leaves our own packets out. */
import { afterEach, describe, expect, it } from 'vitest'
import { Counters } from '../../sidecar/counters.ts'
import { SyscallError } from '../../sidecar/linux/errno.ts'
import type { Target } from '../../sidecar/target/target.ts'
import { SocketTransport } from '../../sidecar/tunnel/socket-transport.ts'

const ENOMEM = 12
const target: Target = {
  key: 'a',
  address: '127.0.0.1',
  family: 4,
  name: 'sensors/a',
  sameNode: true,
  cut: 'same-node',
  seed: 1,
}

describe('given a transport whose datagrams are told by address and port', () => {
  let transport: SocketTransport | undefined
  afterEach(() => transport?.close())

  it('when the capture cannot leave them out, then nothing is sent and that is said once, until it can', () => {
    const said: string[] = []
    const say = (text: unknown) => said.push(String(text))
    let full = true
    transport = new SocketTransport({
      sensorPort: 4789,
      portCount: 4,
      batch: 'auto',
      counters: new Counters(),
      log: { debug: say, info: say, warn: say, error: say },
      baseAddress: 0,
      scratchLength: 4096,
      useMark: false,
      onOwnTunnel: (own) => {
        if (full && own.addresses.length > 0)
          throw new SyscallError('setsockopt', ENOMEM, 'cannot set SO_ATTACH_FILTER')
      },
    })
    transport.setTargets([target])
    transport.refresh()
    expect(transport.targets).toEqual([])
    expect(said).toEqual([
      'datagrams for sensors/a leave by mmsg: it is on this node and may capture packets',
      'nothing is sent, since own packets could not be told: cannot set SO_ATTACH_FILTER: setsockopt failed with ENOMEM',
    ])
    full = false
    transport.refresh()
    expect(transport.targets).toEqual([target])
  })
})
