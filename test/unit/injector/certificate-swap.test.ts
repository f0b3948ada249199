import { Agent } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeCertificate } from '../../support/certificates.ts'
import { post, type ServedInjector, serveInjector } from '../../support/injector-server.ts'
import { pod, review } from './fixtures.ts'

const body = JSON.stringify(review(pod()))

describe('when the certificate files change', () => {
  let served: ServedInjector
  beforeEach(async () => {
    served = await serveInjector()
  })
  afterEach(() => served.dispose())

  const commonName = () =>
    new Promise<string>((resolve, reject) => {
      const socket = connect({ port: served.port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
        resolve(String(socket.getPeerCertificate().subject.CN))
        socket.destroy()
      })
      socket.on('error', reject)
    })
  const until = async (holds: () => boolean | Promise<boolean>) => {
    for (let tries = 0; tries < 250; tries++) {
      if (await holds()) return
      await sleep(20)
    }
    throw new Error('waited 5 s in vain')
  }
  const logged = (pattern: RegExp) => served.log.some((line) => pattern.test(String(line['msg'])))

  it('no request on an open connection fails, and new connections get the new certificate', async () => {
    const agent = new Agent({ ca: served.certificate.cert, keepAlive: true, maxSockets: 1 })
    let running = true
    let answers = 0
    const requests = (async () => {
      while (running) {
        const reply = await post(served.port, agent, body)
        expect(JSON.parse(reply.body)).toMatchObject({ response: { allowed: true, patchType: 'JSONPatch' } })
        answers++
      }
    })()
    const renewed = makeCertificate({ commonName: 'renewed' })
    await served.writeCertificate(renewed)
    await until(async () => (await commonName()) === 'renewed')
    const before = answers
    await until(() => answers > before + 20)
    running = false
    await requests
    // One socket all the time: the swap did not close it.
    expect(Object.values(agent.freeSockets).flat()).toHaveLength(1)
    agent.destroy()
    const fresh = new Agent({ ca: renewed.cert })
    expect((await post(served.port, fresh, body)).status).toBe(200)
  })

  it('a pair that does not fit is refused with a log line, and the old one stays', async () => {
    const one = makeCertificate({ commonName: 'one' })
    const other = makeCertificate({ commonName: 'other' })
    await served.writeCertificate({ cert: one.cert, key: other.key })
    await until(() => logged(/unusable/))
    expect(await commonName()).toBe('vxtap test')
    expect((await served.post(body)).status).toBe(200)
    await served.writeCertificate(one)
    await until(async () => (await commonName()) === 'one')
  })

  it('one that has expired is used, because none is better, and told once', async () => {
    await served.writeCertificate(makeCertificate({ commonName: 'late', notAfter: new Date(Date.now() - 60_000) }))
    await until(() => logged(/has expired/))
    expect(await commonName()).toBe('late')
    await sleep(100)
    expect(served.log.filter((line) => /has expired/.test(String(line['msg'])))).toHaveLength(1)
  })

  it('what is no certificate is refused', async () => {
    await served.writeCertificate({ cert: 'nonsense', key: 'nonsense' })
    await until(() => logged(/unusable/))
    expect(await commonName()).toBe('vxtap test')
    expect(served.log.filter((line) => /unusable/.test(String(line['msg'])))).toHaveLength(1)
  })
})
