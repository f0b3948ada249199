/** A long-running program of the scenario: what it says, when it is ready, how it ends. */
import type { ChildProcess } from 'node:child_process'

export class Program {
  readonly name: string
  readonly #child: ChildProcess
  readonly #closed: Promise<number | null>
  #text = ''
  #ended = false
  #heard: () => void = () => {}

  constructor(name: string, child: ChildProcess) {
    this.name = name
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8')
      stream?.on('data', (text: string) => {
        this.#text += text
        this.#heard()
      })
    }
    this.#closed = new Promise((resolve) => {
      child.once('close', resolve)
      child.once('error', (error) => {
        this.#text += error.message
        resolve(null)
      })
    })
    void this.#closed.then(() => {
      this.#ended = true
      this.#heard()
    })
  }

  /** All that it has written so far, on either stream. */
  get text(): string {
    return this.#text
  }

  /** Resolves when the pattern is in the program's output. @throws Error when it ends before, or takes too long */
  says(pattern: RegExp, withinMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`${this.name} ${why}; it said: ${this.#text.trim() || 'nothing'}`))
      const timer = setTimeout(() => fail(`is not ready after ${withinMs} ms`), withinMs)
      this.#heard = () => {
        const found = pattern.test(this.#text)
        if (!found && !this.#ended) return
        clearTimeout(timer)
        this.#heard = () => {}
        if (found) resolve()
        else fail('ended')
      }
      this.#heard()
    })
  }

  /** Resolves when it ends by itself. @throws Error when it fails, or takes too long */
  async ends(withinMs: number): Promise<void> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), withinMs)
    const code = await this.#closed
    clearTimeout(timer)
    if (code !== 0) throw new Error(`${this.name} ended with ${code ?? 'a signal'}; it said: ${this.#text.trim()}`)
  }

  /** @throws Error when it does not end well */
  async stop(signal: 'SIGTERM' | 'SIGINT', withinMs = 20_000): Promise<void> {
    this.#child.kill(signal)
    await this.ends(withinMs)
  }
}
