/** Every metric of the injector, beside the Node.js process metrics of prom-client. Labels come from closed sets. */
export const injectorMetrics = {
  decisions: {
    name: 'vxtap_injector_decisions_total',
    type: 'counter',
    help: 'Pods decided on, by reason; the reasons are those of the catalogue',
    labels: ['reason'],
  },
  reviewSeconds: {
    name: 'vxtap_injector_review_seconds',
    type: 'histogram',
    help: 'Time from the parsed request to the answer in seconds, by outcome (inject or skip)',
    labels: ['outcome'],
  },
  refusedRequests: {
    name: 'vxtap_injector_refused_requests_total',
    type: 'counter',
    help: 'Requests that were no AdmissionReview and got an HTTP error, by its status',
    labels: ['status'],
  },
  droppedConnections: {
    name: 'vxtap_injector_dropped_connections_total',
    type: 'counter',
    help: 'Open connections that made room for new ones, because there were as many as an injector keeps',
    labels: [],
  },
  failedHandshakes: {
    name: 'vxtap_injector_failed_handshakes_total',
    type: 'counter',
    help: 'Connections that did not get as far as TLS, a client certificate that is not accepted included',
    labels: [],
  },
  certificateExpiry: {
    name: 'vxtap_injector_certificate_expiry_timestamp_seconds',
    type: 'gauge',
    help: 'When the serving certificate expires, in seconds since 1970',
    labels: [],
  },
  certificateLife: {
    name: 'vxtap_injector_certificate_life_seconds',
    type: 'gauge',
    help: 'For how long the serving certificate was made; what is left of it is the expiry less the present time',
    labels: [],
  },
  certificateRotations: {
    name: 'vxtap_injector_certificate_rotations_total',
    type: 'counter',
    help: 'Certificates that this injector has made as the leader, by what they are (leaf or authority)',
    labels: ['what'],
  },
  certificateFailures: {
    name: 'vxtap_injector_certificate_failures_total',
    type: 'counter',
    help: 'Calls to the API server for the certificates that failed, by resource; the log says why, and which right is missing',
    labels: ['resource'],
  },
  bundleRepairs: {
    name: 'vxtap_injector_ca_bundle_repairs_total',
    type: 'counter',
    help: 'Times that something else had changed caBundle of the webhook configuration, and it was put right',
    labels: [],
  },
  leader: {
    name: 'vxtap_injector_leader',
    type: 'gauge',
    help: '1 while this injector is the one that keeps the certificates, 0 otherwise',
    labels: [],
  },
  certificateReloads: {
    name: 'vxtap_injector_certificate_reloads_total',
    type: 'counter',
    help: 'Changes of the certificate files, by result (taken or refused)',
    labels: ['result'],
  },
  settingsReloads: {
    name: 'vxtap_injector_settings_reloads_total',
    type: 'counter',
    help: 'Changes of the settings file, by result (taken or refused)',
    labels: ['result'],
  },
  settingsRefused: {
    name: 'vxtap_injector_settings_refused',
    type: 'gauge',
    help: '1 while the settings file holds something that is not allowed and the settings of before are in force, 0 otherwise',
    labels: [],
  },
  cacheSynced: {
    name: 'vxtap_injector_cache_synced',
    type: 'gauge',
    help: '1 while the cache of a resource (namespaces, nodes or pods) is listed and watched, 0 while it may be stale',
    labels: ['resource'],
  },
  cacheAge: {
    name: 'vxtap_injector_cache_age_seconds',
    type: 'gauge',
    help: 'Seconds since the API server was last heard of about a resource (namespaces or nodes); a quiet watch is renewed every 25 s, so more than a minute means that the cache is stale',
    labels: ['resource'],
  },
  cacheRestarts: {
    name: 'vxtap_injector_cache_restarts_total',
    type: 'counter',
    help: 'Failures of list or watch after which a cache started anew, by resource',
    labels: ['resource'],
  },
  untappedPods: {
    name: 'vxtap_injector_untapped_pods',
    type: 'gauge',
    help: 'Pods that run, ask for a tap and have none, by reason; every injector counts all of them. Absent with BLIND_SPOTS=off',
    labels: ['reason'],
  },
  buildInfo: {
    name: 'vxtap_injector_build_info',
    type: 'gauge',
    help: 'Always 1; the version is the label',
    labels: ['version'],
  },
} as const

/** From 1 ms: an answer takes less, and the API server's own histogram starts at 5 ms. */
export const reviewSecondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5] as const
