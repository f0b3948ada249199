{{- define "vxtap.testNamespace" -}}
{{ include "vxtap.name" . }}-test
{{- end -}}

{{- define "vxtap.testLabels" -}}
{{ include "vxtap.releaseLabels" . }}
app.kubernetes.io/component: test
{{- end -}}

{{/* Gone after the test, however it ends: where one fails, Helm deletes those before it as well. */}}
{{- define "vxtap.testHook" -}}
helm.sh/hook: test
helm.sh/hook-weight: {{ .weight | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded,hook-failed
{{- end -}}
