/**
 * AdmissionReviews as an API server writes them: the pod of a Deployment with what defaulting, the ServiceAccount plugin
 * and managed fields have added (a small pod is 4 kB of them), and the two shapes that are known to be slow elsewhere.
 */

type Json = Readonly<Record<string, unknown>>

const tokenMount = {
  name: 'kube-api-access-x7k2p',
  readOnly: true,
  mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
}

function container(index: number, variables: number): Json {
  return {
    name: `app-${index}`,
    image: `registry.example.com/shop/app-${index}:1.27.4`,
    command: ['/usr/bin/app', '--listen=:8080'],
    ports: [{ name: `http-${index}`, containerPort: 8080 + index, protocol: 'TCP' }],
    env: Array.from({ length: variables }, (_, number) => ({
      name: `SETTING_${number}`,
      value: `value ${number} of container ${index}`,
    })),
    resources: { limits: { memory: '256Mi' }, requests: { cpu: '100m', memory: '128Mi' } },
    volumeMounts: [tokenMount],
    livenessProbe: {
      httpGet: { path: '/healthz', port: 8080 + index, scheme: 'HTTP' },
      timeoutSeconds: 1,
      periodSeconds: 10,
      successThreshold: 1,
      failureThreshold: 3,
    },
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: 'IfNotPresent',
  }
}

function managedFields(containers: number): Json {
  const ofContainer = {
    '.': {},
    'f:image': {},
    'f:imagePullPolicy': {},
    'f:name': {},
    'f:ports': {},
    'f:resources': {},
  }
  return {
    manager: 'kube-controller-manager',
    operation: 'Update',
    apiVersion: 'v1',
    time: '2026-01-01T00:00:00Z',
    fieldsType: 'FieldsV1',
    fieldsV1: {
      'f:metadata': { 'f:generateName': {}, 'f:labels': { '.': {}, 'f:app': {} }, 'f:ownerReferences': {} },
      'f:spec': {
        'f:containers': Object.fromEntries(
          Array.from({ length: containers }, (_, index) => [`k:{"name":"app-${index}"}`, ofContainer]),
        ),
        'f:dnsPolicy': {},
        'f:restartPolicy': {},
      },
    },
  }
}

function review(containers: number, variables: number): string {
  return JSON.stringify({
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid: '0a8b7c6d-1e2f-4a3b-8c9d-0e1f2a3b4c5d',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      requestKind: { group: '', version: 'v1', kind: 'Pod' },
      requestResource: { group: '', version: 'v1', resource: 'pods' },
      namespace: 'shop',
      operation: 'CREATE',
      userInfo: {
        username: 'system:serviceaccount:kube-system:replicaset-controller',
        uid: 'a5b1c2d3-0000-4000-8000-000000000001',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
      },
      object: {
        kind: 'Pod',
        apiVersion: 'v1',
        metadata: {
          generateName: 'web-7d4b9c8f6-',
          namespace: 'shop',
          creationTimestamp: null,
          labels: { app: 'web', 'pod-template-hash': '7d4b9c8f6', 'vxtap.io/inject': 'true' },
          annotations: { 'vxtap.io/filter': 'not port 443', 'prometheus.io/scrape': 'true' },
          ownerReferences: [
            {
              apiVersion: 'apps/v1',
              kind: 'ReplicaSet',
              name: 'web-7d4b9c8f6',
              uid: 'b5b1c2d3-0000-4000-8000-000000000002',
              controller: true,
              blockOwnerDeletion: true,
            },
          ],
          managedFields: [managedFields(containers)],
        },
        spec: {
          volumes: [{ name: tokenMount.name, projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }],
          containers: Array.from({ length: containers }, (_, index) => container(index, variables)),
          restartPolicy: 'Always',
          terminationGracePeriodSeconds: 30,
          dnsPolicy: 'ClusterFirst',
          serviceAccountName: 'default',
          securityContext: {},
          schedulerName: 'default-scheduler',
          tolerations: ['not-ready', 'unreachable'].map((state) => ({
            key: `node.kubernetes.io/${state}`,
            operator: 'Exists',
            effect: 'NoExecute',
            tolerationSeconds: 300,
          })),
          priority: 0,
          enableServiceLinks: true,
          preemptionPolicy: 'PreemptLowerPriority',
        },
        status: {},
      },
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
    },
  })
}

export const reviews: readonly { readonly name: string; readonly body: string }[] = [
  { name: 'a small pod', body: review(1, 3) },
  { name: '30 containers', body: review(30, 10) },
  { name: '1,500 variables', body: review(5, 300) },
]
