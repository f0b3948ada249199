{{/*
CEL of the policies (Kubernetes: MutatingAdmissionPolicy). Both policies evaluate the same variables, the mutating one on
the pod as it came, the validating one on what became of it. files/policy.yaml holds what comes from the tables of the
program.
*/}}

{{/* What the operator chooses for one annotation, or the program's own default of what only the injector acts on. */}}
{{- define "vxtap.policyDefault" -}}
{{- $defaults := include "vxtap.defaults" .root | fromJson -}}
{{- if eq .setting.annotation "image" -}}
{{- include "vxtap.image" .root -}}
{{- else if hasKey $defaults .setting.annotation -}}
{{- include "vxtap.text" (get $defaults .setting.annotation) -}}
{{- else -}}
{{- .setting.default | default "" -}}
{{- end -}}
{{- end -}}

{{/* Annotations that pods may set. An address is no label, and no pattern lets it through. */}}
{{- define "vxtap.policyOverrides" -}}
{{- $names := list -}}
{{- range (.Files.Get "files/policy.yaml" | fromYaml).settings -}}
{{- $allowed := ne .annotation "image" -}}
{{- if not (kindIs "invalid" $.Values.allowedOverrides) -}}
{{- $allowed = has .annotation $.Values.allowedOverrides -}}
{{- end -}}
{{- if $allowed -}}
{{- $names = append $names (printf "vxtap.io/%s" .annotation) -}}
{{- end -}}
{{- end -}}
{{- $names | toJson -}}
{{- end -}}

{{- define "vxtap.policyVariables" -}}
{{- $tables := .Files.Get "files/policy.yaml" | fromYaml -}}
- name: annotations
  expression: object.metadata.?annotations.orValue({})
- name: ofNamespace
  expression: namespaceObject.metadata.?annotations.orValue({})
# The label before the annotation, the pod before its namespace.
- name: wish
  expression: >-
    object.metadata.?labels[?"vxtap.io/inject"].orValue(variables.annotations[?"vxtap.io/inject"].orValue(""))
- name: asks
  expression: >-
    !("kubernetes.io/config.mirror" in variables.annotations) && (variables.wish == "" ?
    namespaceObject.metadata.?labels[?"vxtap.io/inject"].orValue("") == "true" : variables.wish != "false")
- name: containers
  expression: object.spec.containers.map(c, c.name) + object.spec.?initContainers.orValue([]).map(c, c.name)
- name: tapped
  expression: '"vxtap.io/status" in variables.annotations && "vxtap" in variables.containers'
- name: level
  expression: namespaceObject.metadata.?labels[?"pod-security.kubernetes.io/enforce"].orValue({{ .Values.podSecurityDefault | toJson }})
# What nobody may set on a pod, or what nobody knows; the operator's word is the namespace's.
- name: forbidden
  expression: >-
    variables.annotations.filter(a, a.startsWith("vxtap.io/") && !(a in ["vxtap.io/inject", "vxtap.io/status", "vxtap.io/gso"]) &&
    !(a in {{ include "vxtap.policyOverrides" . }})).join(", ")
# Each setting's text: the pod's, else the namespace's, else the operator's.
- name: texts
  expression: >-
    {
    {{- range $index, $setting := $tables.settings }}
    {{- $key := printf "vxtap.io/%s" $setting.annotation | toJson }}
    {{ if $index }}, {{ end }}{{ $key }}: variables.annotations[?{{ $key }}].orValue(variables.ofNamespace[?{{ $key }}].orValue({{ include "vxtap.policyDefault" (dict "root" $ "setting" $setting) | toJson }}))
    {{- end }}
    }
# What the sidecar would not start with. The operator's defaults are checked by the chart's schema.
- name: problem
  expression: >-
    [variables.wish in ["", "true", "false"] ? "" : "vxtap.io/inject=" + variables.wish + " is not allowed: it must be true or false"
    {{- range $tables.settings }}
    {{- $key := printf "vxtap.io/%s" .annotation | toJson }}
    , variables.texts[{{ $key }}] == {{ include "vxtap.policyDefault" (dict "root" $ "setting" .) | toJson }} || variables.texts[{{ $key }}].matches({{ .pattern | toJson }}) ? "" : {{ $key }} + "=" + variables.texts[{{ $key }}] + {{ printf " is not allowed: %s" .rule | toJson }}
    {{- end }}
    ].filter(p, p != "").join("; ")
# Why the pod is not tapped, or nothing.
- name: reason
  expression: >-
    "vxtap" in variables.containers || object.spec.?volumes.orValue([]).exists(v, v.name == "vxtap-token") ? {{ $tables.reasons.name_taken }}
    : object.spec.?hostNetwork.orValue(false) ? {{ $tables.reasons.host_network }}
    : object.spec.?os.?name.orValue("") == "windows" || object.spec.?nodeSelector[?"kubernetes.io/os"].orValue("") == "windows" ? {{ $tables.reasons.windows }}
    : variables.problem != "" ? {{ $tables.reasons.invalid_annotation }}
    : variables.forbidden != "" ? {{ $tables.reasons.override_not_allowed }}
    : variables.texts["vxtap.io/sensor"] == "" ? {{ $tables.reasons.sensor_missing }}
    {{- if eq .Values.podSecurity "skip" }}
    : variables.level != "privileged" ? {{ $tables.reasons.pod_security_forbids_net_raw }}
    {{- end }}
    : ""
{{- end -}}

{{/* Which pods: as for the webhook, those of other namespaces that are created and do not opt out. */}}
{{- define "vxtap.policyMatch" -}}
matchConstraints:
  matchPolicy: Equivalent
  namespaceSelector:
    matchExpressions:
      {{- include "vxtap.otherNamespaces" . | nindent 6 }}
  objectSelector:
    matchExpressions:
      - {key: vxtap.io/inject, operator: NotIn, values: ["false"]}
  resourceRules:
    - apiGroups: [""]
      apiVersions: [v1]
      operations: [CREATE]
      resources: [pods]
{{- end -}}

{{/* The container that injector/container.ts makes, for a native sidecar with the first free metrics port. */}}
{{- define "vxtap.policyContainer" -}}
Object.spec.initContainers{
  name: "vxtap",
  image: variables.texts["vxtap.io/image"],
  imagePullPolicy: {{ .Values.image.pullPolicy | toJson }},
  args: ["sidecar"],
  restartPolicy: "Always",
  env: variables.environment.map(e, Object.spec.initContainers.env{name: e[0], value: e[1].replace("$", "$$")}) + [
    {{- $separator := "" }}
    {{- range $name, $path := dict "POD_NAMESPACE" "metadata.namespace" "POD_NAME" "metadata.name" "NODE_NAME" "spec.nodeName" "ZONE" "metadata.labels['topology.kubernetes.io/zone']" }}
    {{ $separator }}Object.spec.initContainers.env{name: {{ $name | toJson }}, valueFrom: Object.spec.initContainers.env.valueFrom{
      fieldRef: Object.spec.initContainers.env.valueFrom.fieldRef{apiVersion: "v1", fieldPath: {{ $path | toJson }}}}}
    {{- $separator = ", " }}
    {{- end }}],
  ports: [Object.spec.initContainers.ports{name: "vxtap-metrics", containerPort: 14789, protocol: "TCP"}],
  resources: variables.wholePod ? Object.spec.initContainers.resources{} : Object.spec.initContainers.resources{
    requests: {"cpu": variables.cpuRequest, "memory": variables.memoryRequest},
    limits: {"cpu": variables.cpuLimit, "memory": variables.memoryLimit}},
  securityContext: Object.spec.initContainers.securityContext{
    runAsUser: 0, runAsNonRoot: false, privileged: false, allowPrivilegeEscalation: false, readOnlyRootFilesystem: true,
    capabilities: Object.spec.initContainers.securityContext.capabilities{drop: ["ALL"], add: ["NET_RAW"]},
    seccompProfile: Object.spec.initContainers.securityContext.seccompProfile{type: "RuntimeDefault"}},
  terminationMessagePolicy: "FallbackToLogsOnError",
  ?startupProbe: variables.texts["vxtap.io/hold"] == "true" ? optional.of(Object.spec.initContainers.startupProbe{
    httpGet: Object.spec.initContainers.startupProbe.httpGet{path: "/readyz?hold", port: "vxtap-metrics"},
    periodSeconds: 1, failureThreshold: 60}) : optional.none(),
  volumeMounts: [Object.spec.initContainers.volumeMounts{
    name: "vxtap-token", mountPath: "/var/run/secrets/kubernetes.io/serviceaccount", readOnly: true}]
}
{{- end -}}

{{/* A token of its own, since CEL would need a page to find the pod's (injector/token.ts). */}}
{{- define "vxtap.policyVolume" -}}
Object.spec.volumes{name: "vxtap-token", projected: Object.spec.volumes.projected{defaultMode: 420, sources: [
  Object.spec.volumes.projected.sources{serviceAccountToken:
    Object.spec.volumes.projected.sources.serviceAccountToken{path: "token", expirationSeconds: 3607}},
  Object.spec.volumes.projected.sources{configMap: Object.spec.volumes.projected.sources.configMap{
    name: "kube-root-ca.crt",
    items: [Object.spec.volumes.projected.sources.configMap.items{key: "ca.crt", path: "ca.crt"}]}},
  Object.spec.volumes.projected.sources{downwardAPI: Object.spec.volumes.projected.sources.downwardAPI{
    items: [Object.spec.volumes.projected.sources.downwardAPI.items{path: "namespace",
      fieldRef: Object.spec.volumes.projected.sources.downwardAPI.items.fieldRef{apiVersion: "v1", fieldPath: "metadata.namespace"}}]}}]}}
{{- end -}}
