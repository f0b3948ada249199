/**
 * A file that changes while the injector runs. Kubernetes swaps a symbolic link (`..data`) when a mounted ConfigMap
 * changes; such files are small, so they are read and compared again and again, which no kind of mount can defeat.
 */
import { readFile } from 'node:fs/promises'

export type FileRead<T> =
  | { readonly ok: true; readonly value: T; readonly content: Buffer }
  | { readonly ok: false; readonly problems: readonly string[] }

export type FileParsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly string[] }

export type ParseFile<T> = (content: Buffer, file: string) => FileParsed<T>

export async function readParsed<T>(file: string, parse: ParseFile<T>): Promise<FileRead<T>> {
  let content: Buffer
  try {
    content = await readFile(file)
  } catch (error) {
    return { ok: false, problems: [`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`] }
  }
  const parsed = parse(content, file)
  return parsed.ok ? { ...parsed, content } : parsed
}

export interface FileListener<T> {
  taken(value: T): void
  /** What was last taken stays in force. Called once for each content, and not before it has lasted for two looks. */
  refused(problems: readonly string[]): void
}

export interface WatchedFile {
  stop(): void
}

const everySecondMs = 1000

/**
 * A file that is being written is seen half for a moment, so a problem counts only when the next look finds the same.
 * @param first what the file held when it was taken last
 */
export function watchFile<T>(
  file: string,
  parse: ParseFile<T>,
  first: Buffer,
  listener: FileListener<T>,
  lookMs = everySecondMs,
): WatchedFile {
  let inForce = first
  let lastProblem = ''
  let reported = ''
  let stopped = false
  let timer: NodeJS.Timeout

  const look = async (): Promise<void> => {
    const read = await readParsed(file, parse)
    if (stopped) return
    const problem = read.ok ? '' : read.problems.join('\n')
    if (read.ok) {
      // Who goes back from a refused content to the one in force reads that it is taken, not nothing.
      if (!read.content.equals(inForce) || reported !== '') listener.taken(read.value)
      inForce = read.content
      reported = ''
    } else if (problem === lastProblem && problem !== reported) {
      reported = problem
      listener.refused(read.problems)
    }
    lastProblem = problem
    schedule()
  }
  const schedule = (): void => {
    timer = setTimeout(look, lookMs)
    timer.unref()
  }
  schedule()
  return {
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}
