{{- define "vxtap.name" -}}
{{- if contains "vxtap" .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-vxtap" .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "vxtap.labels" -}}
{{ include "vxtap.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "vxtap.selectorLabels" -}}
app.kubernetes.io/name: vxtap
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: injector
{{- end -}}

{{- define "vxtap.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "vxtap.name" .) -}}
{{- end -}}

{{- define "vxtap.image" -}}
{{- if not .Values.image.repository -}}
{{- fail "image.repository is not set: no image of vxtap is published yet. Build one (docs/install.md), then set image.repository=REGISTRY/vxtap" -}}
{{- end -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* The variable of an annotation's default: two have names of their own (contract/injector-settings.ts). */}}
{{- define "vxtap.defaultVariable" -}}
{{- if eq . "native-sidecar" -}}
NATIVE_SIDECARS
{{- else -}}
{{- printf "DEFAULT_%s" (. | upper | replace "-" "_") -}}
{{- end -}}
{{- end -}}

{{- define "vxtap.secretName" -}}
{{- .Values.certificate.secretName | default (printf "%s-tls" (include "vxtap.name" .)) -}}
{{- end -}}
