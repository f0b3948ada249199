/** What keeps a command from its answer: a sentence that says what to do, and the exit code. */
import { exitCodes } from '../contract/exit-codes.ts'
import { printable } from '../contract/setting.ts'
import { ApiError } from '../injector/cluster/rest.ts'

export class Problem extends Error {
  readonly exitCode: number

  constructor(kind: keyof typeof exitCodes, sentence: string) {
    super(sentence)
    this.name = 'Problem'
    this.exitCode = exitCodes[kind].code
  }
}

/** What was asked for when something failed. */
export interface Attempt {
  readonly verb: 'get' | 'list'
  /** As a rule of a Role names it: `pods`, `deployments.apps`. */
  readonly resource: string
  /** Undefined for the whole cluster. */
  readonly namespace?: string
}

const longestMessage = 400

/** @param server the API server's address */
export function problemOf(error: unknown, attempt: Attempt, server: string): Problem {
  if (error instanceof Problem) return error
  const message = printable(error instanceof Error ? error.message : String(error), longestMessage)
  if (!(error instanceof ApiError)) {
    return new Problem('unavailable', `the API server ${server} cannot be asked: ${causeOf(error, message)}`)
  }
  if (error.status === 401) {
    return new Problem(
      'noPermission',
      `the API server ${server} does not know you (401): log in again, or take another --context`,
    )
  }
  if (error.status === 403) return new Problem('noPermission', `${message}\n${missingRule(attempt)}`)
  if (error.status === 404) return new Problem('failure', message)
  return new Problem('failure', `the API server ${server} answered ${error.status}: ${message}`)
}

/** How whoever may grants the right, and how it is checked. */
export function missingRule({ verb, resource, namespace }: Attempt): string {
  const [kind, scope] = namespace === undefined ? ['clusterrole', ''] : ['role', ` -n ${namespace}`]
  const where = namespace === undefined ? ' --all-namespaces' : scope
  const name = `vxtap-${verb}-${resource.replaceAll(/[./]/g, '-')}`
  return [
    `  to check:  kubectl auth can-i ${verb} ${resource}${where}`,
    `  to grant:  kubectl create ${kind} ${name}${scope} --verb=${verb} --resource=${resource}`,
    `             kubectl create ${kind}binding ${name}${scope} --${kind}=${name} --user=YOU`,
  ].join('\n')
}

function causeOf(error: unknown, message: string): string {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ECONNREFUSED') return 'nothing listens there (ECONNREFUSED)'
  if (code === 'ENOTFOUND') return 'its name is not known (ENOTFOUND)'
  return message
}
