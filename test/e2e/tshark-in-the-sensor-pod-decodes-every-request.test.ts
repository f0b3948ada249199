import { beforeAll, expect, it } from 'vitest'
import { describeWhere, nodeAccess } from './world/abilities.ts'
import { image } from './world/images.ts'
import { apply, eventually, exec, type KubeObject, logs, ready } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { firstNode, otherNode } from './world/nodes.ts'
import { sendsTo } from './world/tap.ts'
import { idleContainer, onNode, optIn, pod, requests, sensorTemplate, webContainer } from './world/workloads.ts'

const namespace = useNamespace('in-pod-judge')
const paths = Array.from({ length: 30 }, (_, index) => `/page-${index}`)
const machine = '/machine'

const fields = {
  vni: 'vxlan.vni',
  ipChecksums: 'ip.checksum.status',
  tcpChecksum: 'tcp.checksum.status',
  lost: 'tcp.analysis.lost_segment',
  acknowledgedUnseen: 'tcp.analysis.ack_lost_segment',
  asked: 'http.request.uri',
  answered: 'http.response.code',
} as const

/** The machine's own tshark, on the eth0 of the pod: the file system of the nodes is the machine's. */
const tshark: object = {
  name: 'tshark',
  image,
  command: [
    ...[`${machine}/usr/sbin/chroot`, machine, '/usr/bin/tshark', '-l', '-n', '-p', '-i', 'eth0'],
    ...['-f', 'udp port 4789', '-Y', 'vxlan', '-d', 'udp.port==4789,vxlan', '-d', 'tcp.port==8080,http'],
    ...['-o', 'ip.check_checksum:TRUE', '-o', 'tcp.check_checksum:TRUE', '-T', 'fields'],
    ...Object.values(fields).flatMap((field) => ['-e', field]),
  ],
  securityContext: { runAsUser: 0, runAsGroup: 0 },
  volumeMounts: [
    { name: 'machine', mountPath: machine, readOnly: true },
    { name: 'scratch', mountPath: `${machine}/tmp` },
  ],
}

function sensorWithTshark(): object {
  const { metadata, spec } = sensorTemplate('sensor', onNode(otherNode)) as {
    metadata: object
    spec: { containers: object[]; volumes: object[] }
  }
  const volumes = [
    { name: 'machine', hostPath: { path: '/' } },
    { name: 'scratch', emptyDir: {} },
  ]
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metadata, name: 'sensor', namespace },
    spec: { ...spec, containers: [...spec.containers, tshark], volumes: [...spec.volumes, ...volumes] },
  }
}

type Decoded = Readonly<Record<keyof typeof fields, string>>

const decoded = async (): Promise<Decoded[]> => {
  const lines = (await logs(namespace, 'sensor', 'tshark')).split('\n').filter((line) => line.includes('\t'))
  const names = Object.keys(fields)
  return lines.map((line) => {
    const values = line.split('\t')
    return Object.fromEntries(names.map((name, index) => [name, values[index] ?? ''])) as Decoded
  })
}

describeWhere(nodeAccess, 'given a sensor pod in which tshark listens on eth0', () => {
  let web: KubeObject
  let frames: Decoded[]
  beforeAll(async () => {
    await apply(
      sensorWithTshark(),
      pod({ name: 'web', namespace, labels: optIn }, webContainer, onNode(firstNode)),
      pod({ name: 'client', namespace }, idleContainer, onNode(otherNode)),
    )
    const sensor = await ready(namespace, 'sensor')
    web = await ready(namespace, 'web')
    await ready(namespace, 'client')
    await sendsTo(namespace, 'web', sensor.status.podIP!)
    await eventually('tshark captures', async () =>
      (await logs(namespace, 'sensor', 'tshark')).includes('Capturing on'),
    )
    await exec(namespace, 'client', 'app', requests(web.status.podIP!, [...paths, '/big'], 8080))
    frames = await eventually('tshark has seen the last answer', async () => {
      const all = await decoded()
      return all.filter(({ answered }) => answered !== '').length > paths.length && all
    })
  })

  it('when a client asks the tapped pod, then tshark reads every request and its answer out of the tunnel', () => {
    expect(frames.flatMap(({ asked }) => (asked === '' ? [] : [asked])).sort()).toEqual([...paths, '/big'].sort())
    expect(frames.flatMap(({ answered }) => (answered === '' ? [] : [answered]))).toEqual(
      [...paths, '/big'].map(() => '200'),
    )
  })

  it('then it finds no gap, and every checksum right, outside and inside', () => {
    expect(frames.length).toBeGreaterThan(500)
    expect(frames.filter(({ lost, acknowledgedUnseen }) => lost !== '' || acknowledgedUnseen !== '')).toEqual([])
    const tcp = frames.filter(({ tcpChecksum }) => tcpChecksum !== '')
    expect(tcp.length).toBeGreaterThan(500)
    expect(new Set(tcp.map(({ tcpChecksum }) => tcpChecksum))).toEqual(new Set(['1']))
    expect(new Set(tcp.map(({ ipChecksums }) => ipChecksums))).toEqual(new Set(['1,1']))
  })

  it('then every frame carries the network identifier of the default', () => {
    expect(new Set(frames.map(({ vni }) => vni))).toEqual(new Set(['1']))
  })
})
