/** Where things are: sensors, addresses to listen on, namespaces. Text in, value or refusal out. */
import { isIP } from 'node:net'
import { accepted, type Parsed, refused } from './setting.ts'

/** A sensor found by its label `run: <name>`, or one outside the cluster. */
export type SensorReference =
  | { readonly kind: 'label'; readonly name: string }
  | { readonly kind: 'address'; readonly address: string }
  | { readonly kind: 'host'; readonly host: string }

/** Where the metrics server listens; `host` undefined is every address. */
export interface ListenAddress {
  readonly host: string | undefined
  readonly port: number
}

const labelValue = /^(?=.{1,63}$)[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/
const hostName = /^(?=.{1,253}$)([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)+[A-Za-z0-9_-]{0,63}$/

/** Whether it could be the name of a namespace: an RFC 1123 label. */
export const isNamespaceName = (text: string): boolean => /^(?=.{1,63}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(text)

/** The name of a namespace, or nothing. */
export const namespaceOrNone = (text: string): Parsed<string> =>
  text === '' || isNamespaceName(text) ? accepted(text) : refused

/** An IP literal is an address; a name with a dot is a host; `run=` in front makes any name a label. */
export function sensorReference(text: string): Parsed<SensorReference> {
  if (isIP(text) !== 0) return accepted({ kind: 'address', address: text })
  if (text.startsWith('run=')) {
    const name = text.slice('run='.length)
    return labelValue.test(name) ? accepted({ kind: 'label', name }) : refused
  }
  // Digits and dots alone are a mistyped address, not a name.
  if (/^[0-9.]+$/.test(text) && text.includes('.')) return refused
  if (text.includes('.')) return hostName.test(text) ? accepted({ kind: 'host', host: text }) : refused
  return labelValue.test(text) ? accepted({ kind: 'label', name: text }) : refused
}

/** `:PORT`, `IPv4:PORT` or `[IPv6]:PORT`; empty is undefined. */
export function listenAddress(text: string): Parsed<ListenAddress | undefined> {
  if (text === '') return accepted(undefined)
  const match = /^(?:\[(?<six>[^\]]+)\]|(?<four>[^:]*)):(?<port>[0-9]{1,5})$/.exec(text)
  if (!match?.groups) return refused
  const { six, four, port } = match.groups
  const portNumber = Number(port)
  if (portNumber > 65535) return refused
  if (six !== undefined) return isIP(six) === 6 ? accepted({ host: six, port: portNumber }) : refused
  if (four === '' || four === undefined) return accepted({ host: undefined, port: portNumber })
  return isIP(four) === 4 ? accepted({ host: four, port: portNumber }) : refused
}
