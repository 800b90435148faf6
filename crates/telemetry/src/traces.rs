//! Traces: an assignment is a trace, with a span for each job, attempt and stage, exported by OTLP over HTTP.
//!
//! Ids are derived from ours, so that every node and every later life of a process adds to the same trace without being
//! told of it. A span is sent once it has ended; nothing is held open.
//!
//! **Invariant:** no prompt and no output is in an attribute, and a collector that is slow or gone costs spans, never time.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue, Value};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor as _};
use windlass_types::{Assignment, AssignmentStatus, Attempt, Failure, Harness, Job, JobStatus, Timestamp, Usage};

use crate::{EndedStage, Settlement};

/// The version of the conventions whose names are used; those of `gen_ai.*` are still in development there.
const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.41.0";
/// How long one export may take.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);

/// What sends spans. Dropping it loses those that wait.
#[derive(Debug)]
pub struct Traces {
    processor: BatchSpanProcessor,
    scope: InstrumentationScope,
}

impl Traces {
    /// Sends to the collector at this base address; `/v1/traces` is appended.
    pub fn start(endpoint: &str) -> Result<Self, String> {
        if !endpoint.starts_with("http://") {
            return Err(format!("{endpoint:?} is no http:// address; put a collector near by that speaks TLS further on"));
        }
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .with_timeout(EXPORT_TIMEOUT)
            .build()
            .map_err(|e| format!("{endpoint:?} cannot be used: {e}"))?;
        let mut processor = BatchSpanProcessor::builder(exporter).build();
        let name = std::env::var("OTEL_SERVICE_NAME").unwrap_or_else(|_| "windlass".to_owned());
        let resource =
            Resource::builder().with_service_name(name).with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION"))).build();
        processor.set_resource(&resource);
        let scope = InstrumentationScope::builder("windlass").with_version(env!("CARGO_PKG_VERSION")).with_schema_url(SCHEMA_URL).build();
        Ok(Self { processor, scope })
    }

    /// A stage of an attempt ended.
    pub fn stage_ended(&self, job: &Job, attempt: &Attempt, stage: &EndedStage) {
        let attributes = vec![
            KeyValue::new("windlass.stage", stage.stage.as_str()),
            KeyValue::new("windlass.stage.status", stage.status.as_str()),
            KeyValue::new("windlass.iteration", i64::from(stage.iteration)),
            KeyValue::new("windlass.job.id", job.id.to_string()),
        ];
        let failed = (stage.status == windlass_types::StageStatus::Failed).then_some("failed");
        let times = (stage.began_at, stage.began_at.plus_ms(millis(stage.took)));
        let id = stage_span(attempt, stage.number);
        self.send(job, id, attempt_span(attempt), stage.stage.as_str(), SpanKind::Internal, times, attributes, failed);
    }

    /// An attempt was settled: its span, and those of job and assignment where they ended with it.
    pub fn settled(&self, s: &Settlement<'_>, attempt: &Attempt, assignment: &Assignment) {
        let times = (attempt.started_at, attempt.started_at.plus_ms(millis(s.took)));
        let why = s.failure.map(|f| f.kind.as_str());
        let name = format!("invoke_agent {}", s.harness);
        self.send(s.before, attempt_span(attempt), job_span(s.before), name, SpanKind::Client, times, attempt_attributes(s, attempt), why);
        if let Some(ended_at) = s.after.ended_at.filter(|_| s.after.status.is_final()) {
            self.job_ended(s.after, ended_at);
        }
        self.assignment_ended(assignment, s.before);
    }

    fn job_ended(&self, job: &Job, ended_at: Timestamp) {
        let attributes = vec![
            KeyValue::new("windlass.job.id", job.id.to_string()),
            KeyValue::new("windlass.job.type", job.spec.job_type.as_str()),
            KeyValue::new("windlass.job.status", job.status.as_str()),
            KeyValue::new("windlass.worker", job.worker.clone()),
            KeyValue::new("windlass.project", job.project.clone()),
            KeyValue::new("windlass.attempts", i64::from(job.attempts)),
            KeyValue::new("windlass.failures", i64::from(job.failures)),
            KeyValue::new("windlass.rescues", i64::from(job.rescues)),
        ];
        let why = (job.status != JobStatus::Succeeded).then(|| kind_of(job.failure.as_ref()));
        let times = (job.started_at.unwrap_or(job.created_at), ended_at);
        let name = format!("job {}", job.spec.job_type);
        self.send(job, job_span(job), low_half(job.assignment_id.uuid()), name, SpanKind::Internal, times, attributes, why);
    }

    fn assignment_ended(&self, assignment: &Assignment, job: &Job) {
        if !matches!(assignment.status, AssignmentStatus::Complete | AssignmentStatus::Cancelled) {
            return;
        }
        let attributes = vec![
            KeyValue::new("windlass.assignment.id", assignment.id.to_string()),
            KeyValue::new("windlass.assignment.status", assignment.status.as_str()),
            KeyValue::new("windlass.project", assignment.project.clone()),
        ];
        let times = (assignment.created_at, assignment.updated_at);
        let span = low_half(assignment.id.uuid());
        self.send(job, span, SpanId::INVALID, "assignment", SpanKind::Internal, times, attributes, None);
    }

    #[expect(clippy::too_many_arguments, reason = "a span has so many parts, and each call names all of them")]
    fn send(
        &self,
        job: &Job,
        id: SpanId,
        parent: SpanId,
        name: impl Into<Cow<'static, str>>,
        span_kind: SpanKind,
        (began, ended): (Timestamp, Timestamp),
        attributes: Vec<KeyValue>,
        error: Option<&'static str>,
    ) {
        let trace = TraceId::from_bytes(*job.assignment_id.uuid().as_bytes());
        self.processor.on_end(SpanData {
            span_context: SpanContext::new(trace, id, TraceFlags::SAMPLED, false, TraceState::default()),
            parent_span_id: parent,
            parent_span_is_remote: false,
            span_kind,
            name: name.into(),
            start_time: system_time(began),
            end_time: system_time(ended.max(began)),
            attributes: attributes.into_iter().chain(error.map(|kind| KeyValue::new("error.type", kind))).collect(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: error.map_or(Status::Unset, Status::error),
            instrumentation_scope: self.scope.clone(),
        });
    }

    /// Sends what waits, for a few seconds at most. Blocks.
    pub fn stop(&self) {
        if let Err(error) = self.processor.shutdown_with_timeout(Duration::from_secs(5)) {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

/// By the conventions for generative AI: an attempt is an agent that is invoked.
fn attempt_attributes(s: &Settlement<'_>, attempt: &Attempt) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new("gen_ai.operation.name", "invoke_agent"),
        KeyValue::new("gen_ai.provider.name", provider(s.harness)),
        KeyValue::new("gen_ai.agent.name", s.harness.as_str()),
        KeyValue::new("windlass.assignment.id", s.before.assignment_id.to_string()),
        KeyValue::new("windlass.job.id", s.before.id.to_string()),
        KeyValue::new("windlass.job.type", s.before.spec.job_type.as_str()),
        KeyValue::new("windlass.attempt.id", attempt.id.to_string()),
        KeyValue::new("windlass.attempt.number", i64::from(attempt.number)),
        KeyValue::new("windlass.attempt.status", s.outcome.as_str()),
        KeyValue::new("windlass.node", attempt.node.clone()),
        KeyValue::new("windlass.worker", s.before.worker.clone()),
        KeyValue::new("windlass.project", s.before.project.clone()),
    ];
    let optional = [("gen_ai.request.model", &s.before.spec.model), ("gen_ai.conversation.id", &attempt.session_id)];
    attributes.extend(optional.into_iter().filter_map(|(name, value)| Some(KeyValue::new(name, value.clone()?))));
    attributes.extend(s.usage.into_iter().flat_map(usage_attributes));
    attributes
}

/// There, the input counts what came from the cache or went into it; ours does not.
fn usage_attributes(usage: Usage) -> impl Iterator<Item = KeyValue> {
    let input = usage.input_tokens.saturating_add(usage.cache_read_tokens).saturating_add(usage.cache_write_tokens);
    let counts = [
        ("gen_ai.usage.input_tokens", input),
        ("gen_ai.usage.output_tokens", usage.output_tokens),
        ("gen_ai.usage.cache_read.input_tokens", usage.cache_read_tokens),
        ("gen_ai.usage.cache_creation.input_tokens", usage.cache_write_tokens),
    ];
    let cost = usage.cost_micros.map(|micros| KeyValue::new("windlass.cost_usd", micros.0 as f64 / 1e6));
    counts.into_iter().map(|(name, count)| KeyValue::new(name, Value::I64(i64::try_from(count).unwrap_or(i64::MAX)))).chain(cost)
}

const fn provider(harness: Harness) -> &'static str {
    match harness {
        Harness::Claude => "anthropic",
        Harness::Codex => "openai",
        Harness::Gemini => "gcp.gemini",
        // No provider that the conventions know of: the agent is all there is.
        Harness::Command | Harness::Simulated => harness.as_str(),
    }
}

fn kind_of(failure: Option<&Failure>) -> &'static str {
    failure.map_or("unknown", |f| f.kind.as_str())
}

/// The random half of an id.
fn low_half(id: uuid::Uuid) -> SpanId {
    SpanId::from_bytes(id.as_u64_pair().1.to_be_bytes())
}

fn job_span(job: &Job) -> SpanId {
    low_half(job.id.uuid())
}

fn attempt_span(attempt: &Attempt) -> SpanId {
    low_half(attempt.id.uuid())
}

/// Stages have numbers and no ids: each is a neighbour of its attempt.
fn stage_span(attempt: &Attempt, number: i64) -> SpanId {
    SpanId::from_bytes((attempt.id.uuid().as_u64_pair().1 ^ number.unsigned_abs().rotate_left(32)).to_be_bytes())
}

fn system_time(at: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(at.0).unwrap_or(0))
}

fn millis(took: Duration) -> i64 {
    i64::try_from(took.as_millis()).unwrap_or(i64::MAX)
}
