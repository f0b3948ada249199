import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { drained } from '../../../injector/drain.ts'

describe('the wait of an injector that was told to end', () => {
  let server: Server
  let client: Socket
  beforeEach(async () => {
    server = createServer(() => undefined).listen(0, '127.0.0.1')
    await once(server, 'listening')
    client = connect((server.address() as AddressInfo).port, '127.0.0.1')
    await Promise.all([once(server, 'connection'), once(client, 'connect')])
  })
  afterEach(() => {
    client.destroy()
    server.close()
  })
  const lasts = async (longestMs: number, enoughMs: number): Promise<number> => {
    const started = performance.now()
    await drained(server, longestMs, enoughMs)
    return performance.now() - started
  }

  it('given a connection that stays open, is as long as it may be', async () => {
    expect(await lasts(700, 200)).toBeGreaterThanOrEqual(699)
  })

  it('given a connection that is closed, ends when there has been none for long enough', async () => {
    const closed = { at: 0 }
    setTimeout(() => {
      client.destroy()
      closed.at = performance.now()
    }, 500)
    await drained(server, 60_000, 300)
    expect(performance.now() - closed.at).toBeGreaterThanOrEqual(299)
  })

  it('given none at all, and no time, ends at once', async () => {
    client.destroy()
    expect(await lasts(0, 60_000)).toBeLessThan(10_000)
  })
})
