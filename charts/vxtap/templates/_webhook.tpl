{{/* A cluster must come up, and the injector be replaced, without the injector. */}}
{{- define "vxtap.otherNamespaces" -}}
- key: kubernetes.io/metadata.name
  operator: NotIn
  values: {{ append (.Values.excludedNamespaces | default list) .Release.Namespace | uniq | toJson }}
{{- end -}}

{{/* What every entry has in common. */}}
{{- define "vxtap.webhook" -}}
rules:
  - apiGroups: [""]
    apiVersions: [v1]
    operations: [CREATE]
    resources: [pods]
    scope: Namespaced
clientConfig:
  service:
    name: {{ include "vxtap.name" .root }}
    namespace: {{ .root.Release.Namespace }}
    path: /mutate
    port: 443
  {{- with .caBundle }}
  caBundle: {{ . }}
  {{- end }}
admissionReviewVersions: [v1]
sideEffects: NoneOnDryRun
failurePolicy: {{ .root.Values.webhook.failurePolicy }}
matchPolicy: Equivalent
reinvocationPolicy: IfNeeded
timeoutSeconds: {{ .root.Values.webhook.timeoutSeconds }}
{{- end -}}
