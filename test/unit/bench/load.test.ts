import { describe, expect, it } from 'vitest'
import { load, readFlood, readIperf, readWrk } from '../../../bench/load.ts'
import { workloads } from '../../../bench/matrix.ts'

const named = (name: string) => workloads.find((workload) => workload.name === name)!
const bounds = { seconds: 0.7, packets: 300 }

const wrk = `Running 1s test @ http://10.88.1.11:8080/
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   252.45us  618.09us  13.08ms   96.80%
    Req/Sec   109.59k     8.12k  118.93k    80.00%
  Latency Distribution
     50%  129.00us
     75%  161.00us
     90%  341.00us
     99%    2.52ms
  108866 requests in 1.05s, 120.53MB read
Requests/sec:  103681.90
Transfer/sec:    114.79MB
`

describe('what is run', () => {
  it('given UDP, is a flood bounded in datagrams and in time', () => {
    const { argv } = load(named('udp-512-30k'), '10.0.0.1', bounds)
    expect(argv.slice(1)).toEqual(['10.0.0.1', '9999', '512', '300', '0.7', '64', '30000'])
  })

  it('given HTTP or TCP, takes whole seconds, at least one', () => {
    expect(load(named('http'), '10.0.0.1', bounds).argv).toContain('1s')
    expect(load(named('tcp'), '10.0.0.1', { seconds: 0.2, packets: 0 }).argv).toContain('1')
  })

  it('given a rate of TCP, asks iperf3 for it, and for none otherwise', () => {
    expect(load(named('tcp-1g'), '10.0.0.1', bounds).argv.slice(-2)).toEqual(['--bitrate', '1000000000'])
    expect(load(named('tcp'), '10.0.0.1', bounds).argv).not.toContain('--bitrate')
  })
})

describe('what the generators say', () => {
  it('of a flood is datagrams a second', () => {
    expect(readFlood('{"sent":1500,"seconds":0.5,"refused":0}\n')).toEqual({ rate: 3000, seconds: 0.5 })
  })

  it('of wrk is requests a second over its whole time, and p99 in milliseconds whatever its unit', () => {
    const { rate, p99Ms, seconds } = readWrk(wrk)
    expect(seconds).toBe(1.05)
    expect(rate).toBeCloseTo(108866 / 1.05)
    expect(p99Ms).toBe(2.52)
    expect(readWrk(wrk.replace('2.52ms', '981.00us')).p99Ms).toBeCloseTo(0.981)
  })

  it('of wrk with errors is refused', () => {
    expect(() => readWrk(`${wrk}  Socket errors: connect 0, read 3, write 0, timeout 0\n`)).toThrow('read 3')
    expect(() => readWrk(`${wrk}  Non-2xx or 3xx responses: 12\n`)).toThrow('12')
    expect(() => readWrk('unable to connect')).toThrow('unable to connect')
  })

  it('of iperf3 is bits a second that arrived', () => {
    const output = JSON.stringify({ end: { sum_received: { bytes: 1_000_000, seconds: 2 } } })
    expect(readIperf(output)).toEqual({ rate: 4_000_000, seconds: 2, bytes: 1_000_000 })
    expect(() => readIperf('{"error":"unable to connect to server"}')).toThrow('unable to connect to server')
  })
})
