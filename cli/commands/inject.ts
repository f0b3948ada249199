import { type Command, InvalidArgumentError, Option } from 'commander'
import { annotationSettings } from '../../contract/annotations.ts'
import { exitCodes } from '../../contract/exit-codes.ts'
import { version } from '../../contract/version.ts'

interface Flags {
  readonly filename: string[]
  readonly sensor?: string
  readonly image: string
  readonly namespace: string
  readonly nativeSidecars: string
  readonly output: 'yaml' | 'json'
  readonly explain?: true
  readonly all?: true
}

const help = `
Pods and workloads (Deployment, ReplicaSet, ReplicationController, StatefulSet, DaemonSet, Job, CronJob, PodTemplate, and
lists of them) get the sidecar where the pod template has the label vxtap.io/inject: "true"; --all takes every one that
does not say "false". Everything else passes through unchanged. Annotations vxtap.io/... of the template configure the tap.
Namespace objects among the manifests count: their label, their annotations and their Pod Security level.

What is not injected although it asks for it is reported on standard error, and passes through unchanged.

Examples:
  vxtap inject -f web.yaml --sensor zeek | kubectl apply -f -
  helm template shop | vxtap inject -f - --all --sensor zeek --explain > tapped.yaml

Exit codes: 0 done, 64 wrong command line, 65 not YAML or not a Kubernetes object, 66 a file cannot be read.`

/** `vxtap inject`: the webhook's injection, applied to manifests. */
export function register(program: Command): void {
  program
    .command('inject')
    .description('add the sidecar to the pods of manifests and print them (what the webhook does, offline)')
    .requiredOption(
      '-f, --filename <file>',
      'a YAML or JSON file with manifests; - is standard input; may be repeated',
      collect,
    )
    .option(
      '--sensor <sensor>',
      'the sensor for pods that name none: <name> of its label run: <name>, or an address',
      checked('sensor'),
    )
    .option('--image <image>', "the sidecar's image", checked('image'), `vxtap:${version}`)
    .option('-n, --namespace <name>', 'the namespace of objects that name none', 'default')
    .addOption(
      new Option(
        '--native-sidecars <when>',
        'always: init container with restartPolicy Always (Kubernetes 1.29 and later); never: an ordinary container, and no Jobs',
      )
        .choices(['always', 'never'])
        .default('always'),
    )
    .addOption(new Option('-o, --output <format>', 'format of the result').choices(['yaml', 'json']).default('yaml'))
    .option('--explain', 'say for every pod on standard error what was decided and why')
    .option('--all', 'inject pods that do not opt in, too; those that opt out stay out')
    .addHelpText('after', help)
    .action(async (flags: Flags) => {
      process.stdout.once('error', cannotWrite)
      const { inject } = await import('../../injector/manifest/run.ts')
      process.exitCode = await inject(
        {
          version,
          files: flags.filename,
          defaults: {
            image: flags.image,
            'native-sidecar': flags.nativeSidecars,
            ...(flags.sensor === undefined ? {} : { sensor: flags.sensor }),
          },
          namespace: flags.namespace,
          output: flags.output,
          explain: flags.explain === true,
          all: flags.all === true,
        },
        process,
      )
    })
}

/** A result that reached its reader in part must not look like success to a script. */
function cannotWrite(error: NodeJS.ErrnoException): never {
  const why = error.code === 'EPIPE' ? 'its reader has gone' : error.message
  process.stderr.write(`vxtap inject: cannot write the result: ${why}\n`)
  process.exit(exitCodes.failure.code)
}

const collect = (file: string, files: string[] | undefined): string[] => [...(files ?? []), file]

/** A flag that takes what the annotation of that name takes. */
function checked(annotation: string): (text: string) => string {
  return (text) => {
    const setting = annotationSettings.get(annotation)
    if (setting?.parse(text).ok) return text
    throw new InvalidArgumentError(
      `It must be ${setting?.allowed ?? 'something else'}, for example ${setting?.example ?? ''}.`,
    )
  }
}
