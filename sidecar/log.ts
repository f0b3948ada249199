/** What the parts of the sidecar need of a logger: pino's, or a test's. */
export interface Log {
  debug(message: string): void
  info(message: string): void
  warn(message: string): void
  error(message: string): void
}
