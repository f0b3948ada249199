/** Newline-delimited JSON from chunks that end anywhere, with a bound on what is kept of an unfinished line. */

const newline = 0x0a

export class JsonLines {
  readonly #maxLineBytes: number
  #rest: Buffer[] = []
  #restBytes = 0

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes
  }

  /**
   * The values of the lines that this chunk completes. Empty lines are passed over.
   * @throws {SyntaxError} for a line that is not JSON, or one that is too long
   */
  *push(chunk: Buffer): Iterable<unknown> {
    let from = 0
    for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, from)) {
      this.#keep(chunk.subarray(from, at))
      from = at + 1
      const line = Buffer.concat(this.#rest).toString()
      this.#rest = []
      this.#restBytes = 0
      if (line.trim() !== '') yield JSON.parse(line) as unknown
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from))
  }

  #keep(part: Buffer): void {
    this.#restBytes += part.length
    if (this.#restBytes > this.#maxLineBytes) throw new SyntaxError(`a line is longer than ${this.#maxLineBytes} bytes`)
    this.#rest.push(part)
  }
}
