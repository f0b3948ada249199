/**
 * What the injector can be told: the single table behind its environment, the Helm values and the configuration
 * reference. A default for each annotation comes from the annotations' own table: `vxtap.io/max-mbps` has
 * `DEFAULT_MAX_MBPS`.
 */
import { type AnnotationSetting, annotationSettings, notOverridableByDefault, overridable } from './annotations.ts'
import { isNamespaceName, type ListenAddress, listenAddress, namespaceOrNone } from './places.ts'
import {
  absence,
  accepted,
  type Environment,
  oneOf,
  type Parsed,
  pattern,
  readVariables,
  refusal,
  refused,
  type Setting,
  textOf,
  type Values,
  wholeNumber,
} from './setting.ts'
import { sidecarSettings } from './sidecar-settings.ts'

const requiredAddress = (text: string): Parsed<ListenAddress> => {
  const parsed = listenAddress(text)
  return parsed.ok && parsed.value !== undefined ? accepted(parsed.value) : refused
}

const filePath = pattern(/^[^\0]{1,4096}$/)

/** A comma-separated list, blanks around the words allowed; empty for none. */
const listOf =
  (isWord: (word: string) => boolean) =>
  (text: string): Parsed<ReadonlySet<string>> => {
    const words = text.split(',').flatMap((word) => (word.trim() === '' ? [] : [word.trim()]))
    return words.every(isWord) ? accepted(new Set(words)) : refused
  }

const day = 86_400
const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: day }
const durationAllowed = 'a whole number of s, m, h or d, from 6s to 3650d'

/** Seconds. */
const duration =
  (min: number, max: number) =>
  (text: string): Parsed<number> => {
    const match = /^([0-9]{1,9})([smhd])$/.exec(text)
    const seconds = Number(match?.[1]) * (units[match?.[2] ?? ''] ?? Number.NaN)
    return seconds >= min && seconds <= max ? accepted(seconds) : refused
  }

// The same words as for the sidecar, but no annotation sets it.
const { annotation: _ofTheSidecar, ...logLevel } = sidecarSettings.logLevel

export const injectorSettings = {
  listenAddress: {
    env: 'LISTEN_ADDRESS',
    default: ':8443',
    meaning: 'where the webhook is served over HTTPS',
    allowed: ':PORT, IPv4:PORT or [IPv6]:PORT',
    example: ':8443',
    parse: requiredAddress,
  },
  metricsAddress: {
    env: 'METRICS_ADDRESS',
    default: ':9412',
    meaning: 'where `/metrics` (Prometheus), `/healthz` and `/readyz` are served; empty turns it off',
    allowed: ':PORT, IPv4:PORT, [IPv6]:PORT, or empty for off',
    example: ':9412',
    parse: listenAddress,
  },
  certificateSource: {
    env: 'CERTIFICATE_SOURCE',
    default: 'files',
    meaning:
      'where the serving certificate comes from: `files` that somebody else writes, or the injectors `themselves`, which need a service account for it',
    allowed: 'files or themselves',
    example: 'themselves',
    parse: oneOf('files', 'themselves'),
  },
  webhookName: {
    env: 'WEBHOOK_NAME',
    default: 'vxtap',
    meaning:
      'name of the Service and of the MutatingWebhookConfiguration; the Secret and the Lease behind certificates of their own are NAME-certificates',
    allowed: 'the name of a Service: at most 50 of a-z, 0-9 and -, beginning with a letter',
    example: 'vxtap',
    parse: pattern(/^[a-z]([-a-z0-9]{0,48}[a-z0-9])?$/),
  },
  certificateLife: {
    env: 'CERTIFICATE_LIFE',
    default: '30d',
    meaning: 'how long a certificate of their own is valid; it is replaced at half of that',
    allowed: durationAllowed,
    example: '30d',
    parse: duration(6, 3650 * day),
  },
  authorityLife: {
    env: 'CERTIFICATE_AUTHORITY_LIFE',
    default: '365d',
    meaning:
      'how long the authority is valid that signs those certificates; it is replaced at half of that, and must live four times as long as they',
    allowed: durationAllowed,
    example: '365d',
    parse: duration(6, 3650 * day),
  },
  tlsCertFile: {
    env: 'TLS_CERT_FILE',
    default: '/etc/vxtap/tls/tls.crt',
    meaning: 'PEM file with the serving certificate and its chain; read again when it changes',
    allowed: 'the path of a file',
    example: '/etc/vxtap/tls/tls.crt',
    parse: filePath,
  },
  tlsKeyFile: {
    env: 'TLS_KEY_FILE',
    default: '/etc/vxtap/tls/tls.key',
    meaning: "PEM file with the certificate's private key; read again when it changes",
    allowed: 'the path of a file',
    example: '/etc/vxtap/tls/tls.key',
    parse: filePath,
  },
  settingsFile: {
    env: 'SETTINGS_FILE',
    default: '',
    defaultShown: 'none',
    meaning:
      'YAML file with the settings that may change while the injector runs; what it has wins over the variable of the same meaning; empty: the variables alone',
    allowed: 'the path of a file, or empty for none',
    example: '/etc/vxtap/settings/settings.yaml',
    parse: pattern(/^[^\0]{0,4096}$/),
  },
  clientCaFile: {
    env: 'CLIENT_CA_FILE',
    default: '',
    defaultShown: 'none',
    meaning:
      "PEM file with the authorities of the API server's client certificate: who shows none of theirs gets no answer; read again when it changes; empty: everybody is answered",
    allowed: 'the path of a file, or empty for none',
    example: '/etc/vxtap/client-ca/ca.crt',
    parse: pattern(/^[^\0]{0,4096}$/),
  },
  clientNames: {
    env: 'CLIENT_NAMES',
    default: '',
    defaultShown: 'every name',
    meaning: 'common names of client certificates that are answered, comma-separated; needs `CLIENT_CA_FILE`',
    allowed: 'a comma-separated list of common names, or empty for every name',
    example: 'kube-apiserver',
    parse: listOf((word) => word.length <= 64),
  },
  imagePullPolicy: {
    env: 'IMAGE_PULL_POLICY',
    default: 'IfNotPresent',
    meaning: "the sidecar's imagePullPolicy",
    allowed: 'Always, IfNotPresent or Never',
    example: 'IfNotPresent',
    parse: oneOf('Always', 'IfNotPresent', 'Never'),
  },
  allowedOverrides: {
    env: 'ALLOWED_OVERRIDES',
    default: overridable.filter((name) => !notOverridableByDefault.includes(name)).join(','),
    defaultShown: `every annotation but ${notOverridableByDefault.map((name) => `\`${name}\``).join(', ')}`,
    meaning:
      'annotations that pods may set, comma-separated, without the prefix; `sensor-address` lets them name a sensor by address or host, `engine-kernel` lets them choose `engine: kernel`, which gives the sidecar NET_ADMIN; empty for none',
    allowed: `a comma-separated list of ${overridable.join(', ')}, or empty for none`,
    example: 'sensor,vni,filter',
    parse: listOf((word) => overridable.includes(word)),
  },
  excludedNamespaces: {
    env: 'EXCLUDED_NAMESPACES',
    default: 'kube-system,kube-public,kube-node-lease',
    meaning: "namespaces whose pods are never injected, comma-separated; the injector's own is always one of them",
    allowed: 'a comma-separated list of namespaces, or empty for none',
    example: 'kube-system,monitoring',
    parse: listOf(isNamespaceName),
  },
  podNamespace: {
    env: 'POD_NAMESPACE',
    default: '',
    defaultShown: 'none',
    meaning: "the injector's own namespace (the downward API sets it)",
    allowed: 'the name of a namespace',
    example: 'vxtap',
    parse: namespaceOrNone,
  },
  podSecurity: {
    env: 'POD_SECURITY',
    default: 'skip',
    meaning:
      'what happens in namespaces whose enforced Pod Security level forbids NET_RAW: `skip` leaves the pod as it is, `ignore` injects (for where the pods are exempt)',
    allowed: 'skip or ignore',
    example: 'skip',
    parse: oneOf('skip', 'ignore'),
  },
  podSecurityDefault: {
    env: 'POD_SECURITY_DEFAULT',
    default: 'privileged',
    meaning:
      "the Pod Security level of namespaces without a label of their own: what the API server's AdmissionConfiguration sets for the whole cluster, which nothing in the cluster shows",
    allowed: 'privileged, baseline or restricted',
    example: 'privileged',
    parse: oneOf('privileged', 'baseline', 'restricted'),
  },
  cluster: {
    env: 'CLUSTER',
    default: 'auto',
    meaning:
      'whether namespaces and nodes are watched through the API server: `auto` where the pod has a service account, `off`: only what the request says is known',
    allowed: 'auto or off',
    example: 'auto',
    parse: oneOf('auto', 'off'),
  },
  blindSpots: {
    env: 'BLIND_SPOTS',
    default: 'on',
    meaning:
      'whether the injector looks for pods that ask for a tap and run without one, by the metadata of pods; needs the right to get, list and watch pods',
    allowed: 'on or off',
    example: 'on',
    parse: oneOf('on', 'off'),
  },
  drainSeconds: {
    env: 'DRAIN_SECONDS',
    default: '20',
    meaning:
      'seconds for which requests are still answered after SIGTERM, because the API server goes on using open connections; fewer when none has been open for 5 seconds',
    allowed: 'a whole number of seconds from 0 to 600',
    example: '20',
    parse: wholeNumber(0, 600),
  },
  logLevel,
} as const satisfies Record<string, Setting<unknown>>

// Two defaults have names of their own, because the operator sets them for the cluster rather than for a tap.
const ownNames: Readonly<Record<string, string>> = { image: 'IMAGE', 'native-sidecar': 'NATIVE_SIDECARS' }

/** The variable that holds the operator's default of an annotation. */
export function defaultVariable(annotation: string): string {
  return ownNames[annotation] ?? `DEFAULT_${annotation.toUpperCase().replaceAll('-', '_')}`
}

export type InjectorSettings = Values<typeof injectorSettings> & {
  /** The operator's defaults by annotation name, as text; `image` is always among them. */
  readonly defaults: Readonly<Record<string, string>>
}

export type InjectorSettingsResult =
  | { readonly ok: true; readonly settings: InjectorSettings }
  | { readonly ok: false; readonly problems: readonly string[] }

/** Reads every setting from an environment; all problems at once, so that one restart mends them all. */
export function readInjectorSettings(environment: Environment): InjectorSettingsResult {
  const { defaults, problems } = readDefaults(environment)
  const own = readVariables(injectorSettings, environment)
  if (own.ok) problems.push(...certificateProblems(own.settings))
  if (own.ok && problems.length === 0) return { ok: true, settings: Object.freeze({ ...own.settings, defaults }) }
  return { ok: false, problems: [...problems, ...(own.ok ? [] : own.problems)] }
}

/** What no setting can say alone. */
function certificateProblems(settings: Values<typeof injectorSettings>): string[] {
  if (settings.certificateSource === 'files') return []
  const { authorityLife, certificateLife, podNamespace } = settings
  return [
    ...(authorityLife < 4 * certificateLife
      ? [
          `CERTIFICATE_AUTHORITY_LIFE is ${authorityLife}s and CERTIFICATE_LIFE ${certificateLife}s: an authority must live four times as long as a certificate, or it ends before what it has signed`,
        ]
      : []),
    ...(podNamespace === '' ? ['POD_NAMESPACE is not set: with CERTIFICATE_SOURCE=themselves it must be'] : []),
  ]
}

function readDefaults(environment: Environment) {
  const defaults: Record<string, string> = {}
  const problems: string[] = []
  for (const [name, setting] of annotationSettings) {
    const variable = defaultVariable(name)
    const text = textOf(variable, environment)
    if (text === undefined || text === '') {
      if (name === 'image') problems.push(absence(variable, setting))
      continue
    }
    if (setting.parse(text).ok) defaults[name] = text
    else problems.push(refusal(variable, text, setting))
  }
  return { defaults: Object.freeze(defaults), problems }
}

/** The table of the operator's defaults, for the documentation: each annotation with its variable. */
export function defaultVariables(): readonly { readonly variable: string; readonly setting: AnnotationSetting }[] {
  return [...annotationSettings].map(([name, setting]) => ({ variable: defaultVariable(name), setting }))
}
