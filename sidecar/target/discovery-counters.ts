/** How often discovery asked, and how it ended: closed sets, since both become labels of a metric. */

export type DiscoveryRequest = 'list' | 'watch' | 'dns'

export type DiscoveryResult =
  | 'ok'
  /** No connection, no answer in time, a certificate that does not verify, or a connection that broke. */
  | 'unreachable'
  /** 401, or no token to ask with. */
  | 'unauthorized'
  | 'forbidden'
  /** 410: the history that we asked for is gone. */
  | 'gone'
  /** Any other status than 200. */
  | 'refused'
  /** What came was not what the API sends. */
  | 'garbled'

export class DiscoveryCounters {
  readonly #counts = new Map<string, number>()

  add(request: DiscoveryRequest, result: DiscoveryResult): void {
    const key = `${request} ${result}`
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }

  get(request: DiscoveryRequest, result: DiscoveryResult): number {
    return this.#counts.get(`${request} ${result}`) ?? 0
  }

  *entries(): Iterable<readonly [request: string, result: string, count: number]> {
    for (const [key, count] of this.#counts) {
      const [request = '', result = ''] = key.split(' ')
      yield [request, result, count]
    }
  }
}
