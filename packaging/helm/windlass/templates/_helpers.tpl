{{- define "windlass.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "windlass.labels" -}}
app.kubernetes.io/name: windlass
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "windlass.selector" -}}
app.kubernetes.io/name: windlass
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* One kind of node: a StatefulSet, because each keeps its data directory. Takes root, component, node. */}}
{{- define "windlass.nodes" -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ include "windlass.name" .root }}-{{ .component }}
  labels:
    {{- include "windlass.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
spec:
  serviceName: {{ include "windlass.name" .root }}-nodes
  {{- if not (and .root.Values.keda.enabled (eq .component "worker")) }}
  replicas: {{ .node.replicas }}
  {{- end }}
  # Nodes do not wait for each other.
  podManagementPolicy: Parallel
  selector:
    matchLabels:
      {{- include "windlass.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "windlass.labels" .root | nindent 8 }}
        app.kubernetes.io/component: {{ .component }}
      annotations:
        checksum/config: {{ include (print .root.Template.BasePath "/configmap.yaml") .root | sha256sum }}
        {{- with .root.Values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      terminationGracePeriodSeconds: {{ .root.Values.terminationGracePeriodSeconds }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      {{- with .root.Values.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        {{- toYaml .root.Values.podSecurityContext | nindent 8 }}
      containers:
        - name: windlass
          image: "{{ .root.Values.image.repository }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}"
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          args: ["node", "--roles", {{ .node.roles | quote }}]
          env:
            - name: HOME
              value: /data/home
            - name: WINDLASS_DATA_DIR
              value: /data/windlass
            - name: WINDLASS_CONFIG
              value: /etc/windlass/windlass.toml
            - name: WINDLASS_LISTEN
              value: "0.0.0.0:{{ .root.Values.service.port }}"
            - name: METRICS_HOST
              value: "0.0.0.0"
            - name: METRICS_PORT
              value: {{ .root.Values.service.metricsPort | quote }}
            - name: LOG_LEVEL
              value: {{ .root.Values.logLevel | quote }}
            - name: LOG_FORMAT
              value: {{ .root.Values.logFormat | quote }}
            {{- with .root.Values.otlpEndpoint }}
            - name: OTEL_EXPORTER_OTLP_ENDPOINT
              value: {{ . | quote }}
            {{- end }}
            {{- with .node.slots }}
            - name: WORKER_CONCURRENCY
              value: {{ . | quote }}
            {{- end }}
            - name: WINDLASS_DATABASE_URL
              valueFrom:
                secretKeyRef:
                  name: {{ .root.Values.database.existingSecret }}
                  key: {{ .root.Values.database.key }}
            {{- if .root.Values.token.existingSecret }}
            - name: WINDLASS_TOKEN
              valueFrom:
                secretKeyRef:
                  name: {{ .root.Values.token.existingSecret }}
                  key: {{ .root.Values.token.key }}
            {{- end }}
            {{- with .root.Values.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          {{- with .root.Values.credentials.existingSecret }}
          envFrom:
            - secretRef:
                name: {{ . }}
          {{- end }}
          ports:
            - name: http
              containerPort: {{ .root.Values.service.port }}
            - name: metrics
              containerPort: {{ .root.Values.service.metricsPort }}
          # The listener of the figures is there from the first moment; they are there, and say ready, once it claims jobs.
          startupProbe:
            tcpSocket: {port: metrics}
            periodSeconds: 2
            failureThreshold: 60
          livenessProbe:
            tcpSocket: {port: metrics}
            periodSeconds: 20
            timeoutSeconds: 5
            failureThreshold: 6
          readinessProbe:
            exec:
              command: [sh, -c, "curl -fsS http://127.0.0.1:{{ .root.Values.service.metricsPort }}/metrics | grep -q '^windlass_ready 1$'"]
            periodSeconds: 10
            timeoutSeconds: 5
          resources:
            {{- toYaml .node.resources | nindent 12 }}
          securityContext:
            {{- toYaml .root.Values.securityContext | nindent 12 }}
          volumeMounts:
            - name: data
              mountPath: /data
            - name: config
              mountPath: /etc/windlass
              readOnly: true
            {{- with .root.Values.extraVolumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
      volumes:
        - name: config
          configMap:
            name: {{ include "windlass.name" .root }}
        {{- with .root.Values.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with .root.Values.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .root.Values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .root.Values.affinity }}
      affinity:
        {{- toYaml . | nindent 8 }}
      {{- end }}
  volumeClaimTemplates:
    - metadata:
        name: data
      spec:
        accessModes: [ReadWriteOnce]
        {{- with .root.Values.storageClassName }}
        storageClassName: {{ . }}
        {{- end }}
        resources:
          requests:
            storage: {{ .node.storage }}
{{- end -}}
