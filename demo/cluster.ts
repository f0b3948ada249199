/** The demonstration's cluster: the embedded API server, one node, and the injector as a pod on it. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { AdmissionRecord } from '../lab/apiserver/admission.ts'
import type { Pod } from '../lab/apiserver/objects.ts'
import { type ApiServer, startApiServer } from '../lab/apiserver/server.ts'
import { createAuthority } from '../lab/certificates.ts'
import { Kubelet } from '../lab/kubelet/kubelet.ts'
import { podApiOf } from '../lab/kubelet/pod-api.ts'
import type { PodWorker } from '../lab/kubelet/pod-worker.ts'
import { controlPlane, Lab } from '../lab/network/lab.ts'
import { images, injectorNamespace, injectorPod, namespace, webhook } from './manifests.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
export const workload = (name: string) => join(root, 'demo', 'workloads', name)

export class DemoCluster {
  readonly api: ApiServer
  readonly lab: Lab
  readonly kubelet: Kubelet
  /** For captures and certificates: in the sandbox's own tmpfs, and gone with it. */
  readonly directory: string

  private constructor(api: ApiServer, lab: Lab, kubelet: Kubelet, directory: string) {
    this.api = api
    this.lab = lab
    this.kubelet = kubelet
    this.directory = directory
  }

  /** @param mtu bytes, of the pods' interfaces */
  static async start(mtu: number): Promise<DemoCluster> {
    const lab = await Lab.create({ mtu })
    const directory = await mkdtemp('/run/vxtap-demo-')
    const authority = createAuthority('vxtap-demo')
    const names = [`vxtap-injector.${injectorNamespace}.svc`, 'shop.example']
    const leaf = authority.issue({ commonName: 'vxtap-demo', names })
    const certificates = join(directory, 'tls')
    await mkdir(certificates)
    await writeFile(join(certificates, 'tls.crt'), leaf.certificate)
    await writeFile(join(certificates, 'tls.key'), leaf.key)

    // The address of the service is known once the injector's pod has one.
    const service = { host: '' }
    const api = await startApiServer({
      host: controlPlane.address4,
      namespaces: [namespace, injectorNamespace],
      resolveService: (_name, _namespace, port) => (service.host === '' ? undefined : { host: service.host, port }),
    })
    for (const node of lab.nodes) {
      const status = { nodeInfo: { kubeletVersion: 'v1.33.0' }, conditions: [{ type: 'Ready', status: 'True' }] }
      await api.nodes.create({ metadata: { name: node.name }, status })
    }
    grantLeast(api)
    const kubelet = new Kubelet({
      lab,
      api: podApiOf(api),
      images: {
        [images.vxtap]: [join(root, 'bin', 'vxtap')],
        [images.web]: [process.execPath, workload('web.ts'), certificates],
        [images.client]: ['sleep', 'infinity'],
      },
    })
    const cluster = new DemoCluster(api, lab, kubelet, directory)
    const injector = await cluster.run(injectorPod(certificates))
    service.host = injector.network?.address4 ?? ''
    await api.registerWebhook(webhook(authority.certificate))
    return cluster
  }

  /** Creates a pod through admission and waits until its containers are ready. */
  async run(pod: Pod): Promise<PodWorker> {
    const created = await this.api.pods.create(pod)
    return this.kubelet.started(created.metadata.name, created.metadata.namespace)
  }

  /** What the injector answered about a pod. */
  admissionOf(name: string): AdmissionRecord | undefined {
    return this.api.admissions.findLast((record) => record.pod === name)
  }

  async close(): Promise<void> {
    await this.kubelet.close()
    await this.api.close()
    await this.lab.close()
    await rm(this.directory, { recursive: true, force: true })
  }
}

/** What the chart grants, and nothing more: the injector watches namespaces and nodes, a sidecar the pods beside it. */
function grantLeast(api: ApiServer): void {
  for (const resource of ['namespaces', 'nodes']) {
    const verbs = ['get', 'list', 'watch'] as const
    api.grant({ serviceAccount: `${injectorNamespace}/vxtap-injector`, namespace: '*', verbs, resource })
  }
  api.grant({ serviceAccount: `${namespace}/*`, namespace, verbs: ['get', 'list', 'watch'], resource: 'pods' })
}
