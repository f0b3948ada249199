import { writeFile } from 'node:fs/promises'
import { Agent } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadClientTrust } from '../../../injector/client-certificates.ts'
import { createAuthority } from '../../../lab/certificates.ts'
import { post, type ServedInjector, serveInjector } from '../../support/injector-server.ts'
import { pod, review } from './fixtures.ts'

const body = JSON.stringify(review(pod()))
const authority = createAuthority('cluster')
const other = createAuthority('somebody else')
const certified = (commonName: string, by = authority) => {
  const { certificate, key } = by.issue({ commonName, names: [] })
  return { cert: certificate, key }
}

describe('given the authority of the API server’s client certificate', () => {
  const file = join(tmpdir(), `vxtap-client-ca-${process.pid}.crt`)
  let served: ServedInjector
  beforeEach(async () => {
    await writeFile(file, authority.certificate)
    served = await serveInjector({ CLIENT_CA_FILE: file, CLIENT_NAMES: 'kube-apiserver, other-apiserver' })
  })
  afterEach(() => served.dispose())

  const ask = async (client: { cert?: string; key?: string }): Promise<number | string> => {
    const agent = new Agent({ ca: served.certificate.cert, ...client })
    const outcome = await post(served.port, agent, body).then(
      ({ status }) => status,
      (error: NodeJS.ErrnoException) => `closed: ${error.code}`,
    )
    agent.destroy()
    return outcome
  }
  const metrics = async () => (await fetch(`http://127.0.0.1:${served.metricsPort}/metrics`)).text()
  const until = async (holds: () => boolean) => {
    for (let tries = 0; tries < 250; tries++) {
      if (holds()) return
      await sleep(20)
    }
    throw new Error('waited 5 s in vain')
  }

  it('who shows a certificate of it for an allowed name is answered', async () => {
    expect(await ask(certified('kube-apiserver'))).toBe(200)
    expect(await ask(certified('other-apiserver'))).toBe(200)
  })

  it('who shows one for another name is refused, with the name', async () => {
    expect(await ask(certified('kubelet'))).toBe(403)
    expect(served.log.at(-1)).toMatchObject({
      status: 403,
      msg: expect.stringContaining('"kubelet", which CLIENT_NAMES'),
    })
  })

  it.each([
    ['none', {}, 'peer did not return a certificate'],
    ['one that somebody else certified', certified('kube-apiserver', other), 'its certificate is not accepted'],
  ])('who shows %s gets no connection, which is counted and said', async (_what, client, cause) => {
    expect(await ask(client)).toMatch(/^closed: /)
    await until(() => served.log.some(({ msg }) => /did not get as far as TLS/.test(String(msg))))
    expect(JSON.stringify(served.log)).toContain(cause)
    expect(await metrics()).toContain('vxtap_injector_failed_handshakes_total 1')
  })

  it('when the file changes, then new connections are verified by what is in it now', async () => {
    await writeFile(file, other.certificate)
    await until(() => served.log.some(({ msg }) => /client authorities changed; new/.test(String(msg))))
    expect(await ask(certified('kube-apiserver', other))).toBe(200)
    expect(await ask(certified('kube-apiserver'))).toMatch(/^closed: /)
  })

  it('when the file becomes unusable, then what was in it stays in force, and it is said', async () => {
    await writeFile(file, 'nonsense')
    await until(() => served.log.some(({ msg }) => /something unusable; the old stay/.test(String(msg))))
    expect(await ask(certified('kube-apiserver'))).toBe(200)
    expect(await ask(certified('kube-apiserver', other))).toMatch(/^closed: /)
  })

  it('health and metrics need no certificate: the kubelet shows none', async () => {
    expect((await fetch(`http://127.0.0.1:${served.metricsPort}/healthz`)).status).toBe(200)
  })
})

describe('given names but no authority, or an authority that is none', () => {
  it('the injector says so at its start', async () => {
    expect(await loadClientTrust('', new Set(['a']))).toEqual({
      ok: false,
      problems: [expect.stringContaining('CLIENT_NAMES is set, but not CLIENT_CA_FILE')],
    })
    expect(await loadClientTrust('/nowhere/ca.crt', new Set())).toEqual({
      ok: false,
      problems: [expect.stringMatching(/^CLIENT_CA_FILE: cannot read \/nowhere\/ca\.crt/)],
    })
  })
})
