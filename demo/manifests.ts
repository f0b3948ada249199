/** The pods of the demonstration, as their owners would write them, and the webhook's registration. */
import type { WebhookConfiguration } from '../lab/apiserver/admission.ts'
import type { Pod } from '../lab/apiserver/objects.ts'

export const namespace = 'shop'
export const injectorNamespace = 'vxtap'
export const images = { vxtap: 'vxtap', web: 'shop/web', client: 'shop/client' } as const

/** A UDP socket is bound to port 4789 (0x12B5): what the kernel says is what a datagram will find. */
const listening = "grep -q ':12B5 ' /proc/net/udp /proc/net/udp6"

/** The sensor: found by its label `run: sensor` and by nothing else. */
export function sensorPod(name: string, file: string): Pod {
  return {
    metadata: { name, namespace, labels: { run: 'sensor' } },
    spec: {
      terminationGracePeriodSeconds: 5,
      containers: [
        {
          name: 'receive',
          image: images.vxtap,
          args: ['receive', '--strict', '--write', file],
          readinessProbe: { exec: { command: ['sh', '-c', listening] } },
          // The taps are told at once that it leaves; what they sent until then is still received.
          lifecycle: { preStop: { sleep: { seconds: 1 } } },
        },
      ],
    },
  }
}

/** The application that is watched; all that it takes is the label and the annotation. */
export function webPod(): Pod {
  return {
    metadata: {
      name: 'web',
      namespace,
      labels: { 'vxtap.io/inject': 'true' },
      annotations: { 'vxtap.io/sensor': 'sensor', 'vxtap.io/hold': 'true' },
    },
    spec: { terminationGracePeriodSeconds: 2, containers: [{ name: 'web', image: images.web }] },
  }
}

export function clientPod(): Pod {
  return {
    metadata: { name: 'client', namespace },
    spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'client', image: images.client }] },
  }
}

/** @param certificates directory with the webhook's tls.crt and tls.key */
export function injectorPod(certificates: string): Pod {
  return {
    metadata: { name: 'injector', namespace: injectorNamespace },
    spec: {
      serviceAccountName: 'vxtap-injector',
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: 'injector',
          image: images.vxtap,
          args: ['injector'],
          env: [
            { name: 'IMAGE', value: images.vxtap },
            { name: 'TLS_CERT_FILE', value: `${certificates}/tls.crt` },
            { name: 'TLS_KEY_FILE', value: `${certificates}/tls.key` },
            { name: 'DRAIN_SECONDS', value: '0' },
            { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
          ],
          readinessProbe: { httpGet: { path: '/readyz', port: 9412 } },
        },
      ],
    },
  }
}

/** @param ca PEM of the authority that signed the webhook's certificate */
export function webhook(ca: string): WebhookConfiguration {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: 'vxtap' },
    webhooks: [
      {
        name: 'inject.vxtap.io',
        admissionReviewVersions: ['v1'],
        sideEffects: 'NoneOnDryRun',
        failurePolicy: 'Ignore',
        reinvocationPolicy: 'IfNeeded',
        timeoutSeconds: 5,
        rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
        clientConfig: {
          service: { name: 'vxtap-injector', namespace: injectorNamespace, path: '/mutate', port: 8443 },
          caBundle: Buffer.from(ca).toString('base64'),
        },
      },
    ],
  }
}
