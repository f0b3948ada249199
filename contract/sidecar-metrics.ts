/** Every metric of the sidecar. */
import type { Metric } from './metric.ts'

export const sidecarMetrics = {
  buildInfo: {
    name: 'vxtap_build_info',
    type: 'gauge',
    help: '1; the labels tell the version, the engine in use and the version of Node',
    labels: ['version', 'engine', 'node'],
  },
  up: {
    name: 'vxtap_capturing',
    type: 'gauge',
    help: '1 while the interface is being captured, 0 while it is absent or the engine is stopped',
    labels: [],
  },
  mirrorRefused: {
    name: 'vxtap_kernel_mirror_refused',
    type: 'gauge',
    help: '1 while ENGINE=kernel does not mirror, by the reason; absent while it does, and with other engines',
    labels: ['reason'],
  },
  capturedFrames: {
    name: 'vxtap_captured_frames_total',
    type: 'counter',
    help: "frames of the wire that the filter passed, a super-frame counting as its segments; those that the kernel's ring dropped included, a super-frame counting as one; equals sent plus dropped",
    labels: [],
  },
  capturedBytes: {
    name: 'vxtap_captured_bytes_total',
    type: 'counter',
    help: 'bytes of the frames that the kernel handed over',
    labels: [],
  },
  sentFrames: {
    name: 'vxtap_sent_frames_total',
    type: 'counter',
    help: 'frames handed to the kernel as VXLAN datagrams',
    labels: [],
  },
  sentBytes: {
    name: 'vxtap_sent_bytes_total',
    type: 'counter',
    help: 'bytes of those datagrams, VXLAN header included, outer headers not',
    labels: [],
  },
  dropped: {
    name: 'vxtap_dropped_frames_total',
    type: 'counter',
    help: 'frames that were captured, or should have been, and not sent, by reason',
    labels: ['reason'],
  },
  sendErrors: {
    name: 'vxtap_send_errors_total',
    type: 'counter',
    help: 'errors that the kernel returned for a send, by errno; the datagram was tried again, and if it was given up it is in dropped{reason="send_error"}',
    labels: ['errno'],
  },
  superFrames: {
    name: 'vxtap_super_frames_total',
    type: 'counter',
    help: 'frames above the MTU that the kernel had not segmented yet',
    labels: [],
  },
  segments: {
    name: 'vxtap_segments_total',
    type: 'counter',
    help: 'segments that those were cut into',
    labels: [],
  },
  checksumsCompleted: {
    name: 'vxtap_checksums_completed_total',
    type: 'counter',
    help: 'frames whose partial checksum was completed, segments not counted',
    labels: [],
  },
  vlanTagsRestored: {
    name: 'vxtap_vlan_tags_restored_total',
    type: 'counter',
    help: 'frames whose VLAN tag was put back',
    labels: [],
  },
  snappedFrames: {
    name: 'vxtap_snapped_frames_total',
    type: 'counter',
    help: 'frames sent with only their first SNAPLEN bytes',
    labels: [],
  },
  ringFreezes: {
    name: 'vxtap_ring_freezes_total',
    type: 'counter',
    help: 'times the kernel found every block of the ring in use',
    labels: [],
  },
  targets: {
    name: 'vxtap_targets',
    type: 'gauge',
    help: 'sensors that frames are sent to now',
    labels: [],
  },
  targetChanges: {
    name: 'vxtap_target_changes_total',
    type: 'counter',
    help: 'times the list of sensors changed',
    labels: [],
  },
  pathMtu: {
    name: 'vxtap_path_mtu_bytes',
    type: 'gauge',
    help: 'MTU of the path to a sensor, as the kernel knows it',
    labels: ['sensor'],
  },
  targetBatch: {
    name: 'vxtap_target_batch',
    type: 'gauge',
    help: '1; the labels tell how datagrams leave for a sensor: gso (up to 64 in one piece), mmsg (up to 64 in one system call), single, or kernel (ENGINE=kernel sends by itself)',
    labels: ['sensor', 'batch'],
  },
  refusedBatches: {
    name: 'vxtap_batches_refused_total',
    type: 'counter',
    help: 'batches of several datagrams (BATCH=gso) that the kernel refused, by errno; their datagrams were sent one by one, and unless the path had become smaller the sensor gets no more batches',
    labels: ['errno'],
  },
  discoveryRequests: {
    name: 'vxtap_discovery_requests_total',
    type: 'counter',
    help: 'requests to the Kubernetes API by what they were and how they ended',
    labels: ['request', 'result'],
  },
  residentMemory: {
    name: 'process_resident_memory_bytes',
    type: 'gauge',
    help: 'resident memory, the ring included',
    labels: [],
  },
  cpuSeconds: {
    name: 'process_cpu_seconds_total',
    type: 'counter',
    help: 'user and system CPU time',
    labels: [],
  },
  startTime: {
    name: 'process_start_time_seconds',
    type: 'gauge',
    help: 'start of the process, seconds since the epoch',
    labels: [],
  },
} as const satisfies Record<string, Metric>
