{{- define "mpic.labels" -}}
app.kubernetes.io/name: mpic-{{ .part }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{- define "mpic.name" -}}
{{ .root.Release.Name }}-{{ .part }}
{{- end }}

{{- define "mpic.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
# Secrets are mounted readable by this group alone.
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "mpic.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "mpic.probes" -}}
# gRPC probes cannot do mutual TLS; the admin port speaks plain HTTP and decides nothing.
startupProbe:
  httpGet: {path: /livez, port: admin}
  periodSeconds: 2
  failureThreshold: 30
livenessProbe:
  httpGet: {path: /livez, port: admin}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet: {path: /readyz, port: admin}
  periodSeconds: 5
  timeoutSeconds: 5
{{- end }}

{{- define "mpic.spread" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: topology.kubernetes.io/zone
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "mpic.labels" . | nindent 8 }}
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: DoNotSchedule
    labelSelector:
      matchLabels: {{- include "mpic.labels" . | nindent 8 }}
{{- end }}

{{- define "mpic.volumes" -}}
- name: config
  configMap:
    name: {{ include "mpic.name" . }}
- name: tls
  secret:
    secretName: {{ .secret }}
    defaultMode: 0440
- name: tmp
  emptyDir: {medium: Memory, sizeLimit: 64Mi}
{{- end }}

{{- define "mpic.mounts" -}}
- {name: config, mountPath: /etc/mpic/config, readOnly: true}
- {name: tls, mountPath: /etc/mpic/tls, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- end }}

{{- define "mpic.tls" -}}
[tls]
certificate = "/etc/mpic/tls/tls.crt"
private_key = "/etc/mpic/tls/tls.key"
authority = "/etc/mpic/tls/ca.crt"
{{- end }}

{{- define "mpic.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "mpic.allowMonitoring" -}}
- from:
    - namespaceSelector:
        matchLabels: {{- toYaml .Values.monitoring.namespaceLabels | nindent 10 }}
  ports:
    - {protocol: TCP, port: admin}
{{- end }}
