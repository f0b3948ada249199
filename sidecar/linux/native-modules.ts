/**
 * The optional packages `cap` (libpcap) and `raw-socket`: compiled at install, so they may be missing. Their types are
 * written here as far as they are used.
 */
import { createRequire } from 'node:module'

export interface Cap {
  open(device: string, filter: string, bufferSize: number, buffer: Buffer): string
  close(): boolean
  on(event: 'packet', listener: (length: number, truncated: boolean) => void): void
}

export interface RawSocket {
  setOption(level: number, option: number, value: number): void
  pauseRecv(): void
  send(
    buffer: Buffer,
    offset: number,
    length: number,
    address: string,
    callback: (error: Error | null, bytes: number) => void,
  ): void
  on(event: 'error', listener: (error: Error) => void): void
  close(): void
}

interface RawModule {
  createSocket(options: { protocol: number; addressFamily: number }): RawSocket
  AddressFamily: { IPv4: number; IPv6: number }
}

export interface NativeModules {
  createCap(): Cap
  createRawSocket(family: 4 | 6): RawSocket
}

const protocolUdp = 17

/** Both packages, or the sentence that says which is missing and why. */
export function loadNativeModules(): NativeModules | string {
  const require = createRequire(import.meta.url)
  const load = <T>(name: string): T | string => {
    try {
      return require(name) as T
    } catch (error) {
      return `the package ${name} is not available (${error instanceof Error ? error.message.split('\n')[0] : String(error)})`
    }
  }
  const cap = load<{ Cap: new () => Cap }>('cap')
  if (typeof cap === 'string') return cap
  const raw = load<RawModule>('raw-socket')
  if (typeof raw === 'string') return raw
  return {
    createCap: () => new cap.Cap(),
    createRawSocket: (family) =>
      raw.createSocket({
        protocol: protocolUdp,
        addressFamily: family === 4 ? raw.AddressFamily.IPv4 : raw.AddressFamily.IPv6,
      }),
  }
}
