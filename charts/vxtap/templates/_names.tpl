{{- define "vxtap.name" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains "vxtap" .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-vxtap" .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Of everything but the injector's own pods and what selects them. */}}
{{- define "vxtap.releaseLabels" -}}
app.kubernetes.io/name: vxtap
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "vxtap.labels" -}}
{{ include "vxtap.releaseLabels" . }}
app.kubernetes.io/component: injector
{{- end -}}

{{- define "vxtap.selectorLabels" -}}
app.kubernetes.io/name: vxtap
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: injector
{{- end -}}

{{- define "vxtap.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "vxtap.name" .) -}}
{{- end -}}

{{- define "vxtap.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- define "vxtap.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* The defaults of taps: the operator's, over those that the chart's own sensor makes. */}}
{{- define "vxtap.defaults" -}}
{{- $sensor := dict -}}
{{- if .Values.sensor.enabled -}}
{{- $sensor = dict "sensor" .Values.sensor.name "sensor-namespace" .Release.Namespace "sensor-port" (.Values.sensor.port | toString) -}}
{{- end -}}
{{- if hasKey .Values.defaults "sensor" -}}
{{- $sensor = dict -}}
{{- end -}}
{{- merge (deepCopy .Values.defaults) $sensor | toJson -}}
{{- end -}}

{{/* Numbers of YAML are floating-point in Helm: without this, 1000000 would be 1e+06. */}}
{{- define "vxtap.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}{{- int64 . -}}{{- else -}}{{- toString . -}}{{- end -}}
{{- end -}}

{{/* Whether the injectors make their certificates themselves: true, or nothing. */}}
{{- define "vxtap.ownCertificates" -}}
{{- if and (eq .Values.injection.mode "webhook") (not (or .Values.certificate.secretName .Values.certificate.certManager.enabled)) -}}
true
{{- end -}}
{{- end -}}

{{/* Of a duration such as 30d. */}}
{{- define "vxtap.seconds" -}}
{{- $units := dict "s" 1 "m" 60 "h" 3600 "d" 86400 -}}
{{- mul (trimSuffix (substr (int (sub (len .) 1)) (len .) .) . | int) (get $units (substr (int (sub (len .) 1)) (len .) .)) -}}
{{- end -}}

{{/* Of a certificate that somebody else makes. */}}
{{- define "vxtap.secretName" -}}
{{- .Values.certificate.secretName | default (printf "%s-tls" (include "vxtap.name" .)) -}}
{{- end -}}

{{/* `run` is what sidecars look for. */}}
{{- define "vxtap.sensorLabels" -}}
app.kubernetes.io/name: vxtap
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: sensor
run: {{ .Values.sensor.name | quote }}
{{- end -}}
