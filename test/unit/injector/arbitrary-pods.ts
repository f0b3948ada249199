/** Pods as nobody would write them, but as an admission request might hold them. */
import fc from 'fast-check'
import type { JsonObject } from '../../../injector/json.ts'

const odd = fc.oneof(fc.constant(null), fc.string(), fc.integer(), fc.boolean(), fc.constant([]), fc.constant({}))
const absentOr = <T>(...arbitraries: fc.Arbitrary<T>[]) => fc.option(fc.oneof(...arbitraries), { nil: undefined })

/** Keys that RFC 6901 must escape, and names that a careless program takes for something else. */
const key = fc.oneof(
  fc.constantFrom(
    'a~b',
    'a/b',
    '~1',
    '~0',
    '',
    'constructor',
    'toString',
    'vxtap.io/vni',
    'vxtap.io/status',
    'x y',
    'ünï',
  ),
  fc.string({ maxLength: 12 }),
)
const unknownFields = fc.dictionary(key, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })

const texts = fc.dictionary(key, fc.string({ maxLength: 12 }), { maxKeys: 4 })

const container = fc
  .tuple(
    unknownFields,
    fc.record(
      {
        name: fc.oneof(fc.constantFrom('web', 'init', 'db'), fc.string({ maxLength: 8 })),
        image: fc.constant('web:1'),
        restartPolicy: fc.constant('Always'),
        ports: fc.oneof(
          odd,
          fc.array(fc.record({ containerPort: fc.constantFrom(80, 14789, 14790) }), { maxLength: 3 }),
        ),
        volumeMounts: fc.oneof(
          odd,
          fc.array(
            fc.record({
              name: fc.constantFrom('data', 'kube-api-access-abcde', 'elsewhere'),
              mountPath: fc.constantFrom('/data', '/var/run/secrets/kubernetes.io/serviceaccount'),
            }),
            { maxLength: 2 },
          ),
        ),
      },
      { requiredKeys: [] },
    ),
  )
  .map(([fields, known]) => ({ ...fields, ...known }))

const containers = absentOr<unknown>(
  fc.constant(null),
  fc.array(container, { maxLength: 3 }),
  fc.array(odd, { maxLength: 2 }),
  odd,
)

const metadata = fc
  .tuple(
    unknownFields,
    fc.record({
      name: absentOr(fc.string()),
      generateName: absentOr(fc.string()),
      labels: absentOr<unknown>(odd, texts),
      annotations: absentOr<unknown>(odd, texts),
      ownerReferences: absentOr<unknown>(
        odd,
        fc.array(fc.record({ kind: fc.constant('Job'), controller: fc.boolean() })),
      ),
    }),
  )
  .map(([fields, known]) => ({ ...fields, ...known }))

const spec = fc
  .tuple(
    unknownFields,
    fc.record({
      containers,
      initContainers: containers,
      ephemeralContainers: containers,
      volumes: absentOr<unknown>(
        odd,
        fc.array(fc.record({ name: fc.constantFrom('data', 'kube-api-access-abcde'), projected: fc.constant({}) })),
      ),
      restartPolicy: absentOr<unknown>(fc.constantFrom('Always', 'Never', 'OnFailure'), odd),
      hostNetwork: absentOr<unknown>(fc.constantFrom(false, true), odd),
      resources: absentOr<unknown>(odd, fc.constant({ limits: { cpu: '1' } })),
    }),
  )
  .map(([fields, known]) => ({ ...fields, ...known }))

/** What JSON can hold: no undefined members, no -0. */
const asJson = (value: unknown): JsonObject => JSON.parse(JSON.stringify(value)) as JsonObject

export const arbitraryPod: fc.Arbitrary<JsonObject> = fc
  .tuple(
    unknownFields,
    fc.record({
      metadata: absentOr<unknown>(metadata, odd),
      spec: fc.oneof({ weight: 9, arbitrary: spec }, { weight: 1, arbitrary: odd }),
    }),
  )
  .map(([fields, known]) => asJson({ ...fields, ...known }))
