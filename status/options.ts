/** What both commands are told. */
export interface CommonOptions {
  readonly version: string
  /** Undefined: the kubeconfig's. */
  readonly namespace: string | undefined
  readonly injectorNamespace: string | undefined
  readonly output: 'text' | 'json'
  /** Whether sidecars are asked how they are. */
  readonly health: boolean
  readonly timeoutMs: number
}

export interface Output {
  write(text: string): unknown
  readonly colours: boolean
}
