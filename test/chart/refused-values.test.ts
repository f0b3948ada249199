/** What cannot work is refused by `helm install` itself, with a sentence that says what to change. */
import { describe, expect, it } from 'vitest'
import { refusal } from './rendered.ts'

describe('given a mistyped value', () => {
  it.each([
    ['replicacount=2', "additional properties 'replicacount' not allowed"],
    ['image.tagg=1', "at '/image': additional properties 'tagg' not allowed"],
    ['defaults.senser=zeek', "at '/defaults': additional properties 'senser' not allowed"],
    ['allowedOverrides={sensr}', "at '/allowedOverrides/0': value must be one of"],
    ['resources.request.cpu=1', "at '/resources': additional properties 'request' not allowed"],
    ['webhook.failurePolicy=ignore', "at '/webhook/failurePolicy': value must be one of 'Ignore', 'Fail'"],
    ['networkPolicy.enabled=yes', "at '/networkPolicy/enabled': got string, want boolean"],
    ['image.digest=sha256:abc', "at '/image/digest': 'sha256:abc' does not match pattern"],
    ['defaults.vni=16777216', "at '/defaults/vni': maximum"],
    ['injection.mode=cel', "at '/injection/mode': value must be one of 'webhook', 'policy'"],
    ['defaults.snaplen=63', "at '/defaults/snaplen'"],
    ['defaults.source-ports=3', "at '/defaults/source-ports': value must be one of"],
    ['defaults.direction=inwards', "at '/defaults/direction': value must be one of 'both', 'in', 'out'"],
  ])('when %s is set, then helm names it', async (setting, sentence) => {
    expect(await refusal(setting)).toContain(sentence)
  })
})

describe('given values that are right one by one and cannot work together', () => {
  it.each([
    [['image.repository='], 'image.repository is not set: no image of vxtap is published yet'],
    [['injection.mode=policy', 'defaults.engine=kernel'], 'a policy gives no sidecar the capability NET_ADMIN'],
    [['certificate.life=10d', 'certificate.authorityLife=39d'], 'an authority must live four times as long'],
    [['injection.mode=policy', 'defaults.native-sidecar=never'], 'a policy injects native sidecars only'],
    [['webhook.clientNames={kube-apiserver}'], 'webhook.clientNames is set and webhook.clientCa is not'],
    [['injection.mode=policy', 'defaults.cpu-limit=0.5'], 'defaults.cpu-limit is 0.5 and injection.mode is policy'],
    [['injection.mode=policy', 'defaults.memory-limit=200M'], 'in bytes or with one of k, M, G, Ki, Mi, Gi'],
    [['port=9412'], 'port and metricsPort are both 9412'],
    [['metricsPort=443'], "metricsPort is 443, which is the Service's port"],
    [['certificate.secretName=mine', 'certificate.certManager.enabled=true'], 'exclude each other'],
    [['certificate.secretName=mine'], 'certificate.caBundle is not set'],
    [['certificate.caBundle=AAAA'], 'certificate.caBundle is set and certificate.secretName is not'],
    [['hostNetwork=true', 'port=443'], 'port 443 and metricsPort 9412 must be 1024 or more with hostNetwork'],
    [['hostNetwork=true', 'networkPolicy.enabled=true'], 'networkPolicy.enabled has no effect with hostNetwork'],
    [['hostNetwork=true', 'dnsPolicy=ClusterFirst'], 'dnsPolicy ClusterFirst means Default with hostNetwork'],
    [['podDisruptionBudget.maxUnavailable=0'], 'no node that an injector runs on could ever be drained'],
    [['sensor.enabled=true', 'defaults.sensor-port=4790'], 'taps would send where the sensor does not listen'],
    [
      ['sensor.enabled=true', 'defaults.sensor-namespace=sensors'],
      'the sensor that sensor.enabled makes runs in vxtap',
    ],
    [['monitoring.dashboard.enabled=true', 'monitoring.dashboard.labels=null'], 'Grafana finds dashboards by a label'],
    [
      [
        ...['sensorAccess[0].namespace=a', 'sensorAccess[0].namespaces={b}'],
        ...['sensorAccess[1].namespace=a', 'sensorAccess[1].namespaces={c}'],
      ],
      'sensorAccess has two entries for the namespace a',
    ],
  ])('when %j are set, then helm says why not', async (settings, sentence) => {
    expect(await refusal(...settings)).toContain(sentence)
  })

  it('when several are wrong, then helm says all of them at once', async () => {
    const said = await refusal('port=9412', 'certificate.caBundle=AAAA')
    expect(said).toContain('port and metricsPort')
    expect(said).toContain('certificate.caBundle')
  })
})
