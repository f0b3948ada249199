/** Prints what a URL answers; exits with 1 when it does not. */
const response = await fetch(process.argv[2] ?? '', { signal: AbortSignal.timeout(3000) })
process.stdout.write(await response.text())
if (!response.ok) process.exitCode = 1
