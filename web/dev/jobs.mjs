// Development and tests only: the jobs of made-up work: each piece has a plan, the job that its row names, and, while it goes on, one behind that.

const USAGE = { input_tokens: 38_000, output_tokens: 3_000, cache_read_tokens: 0, cache_write_tokens: 0, cost_micros: 240_000 };

/** All of them, the newest first. */
export function jobsOf(work) {
  return work.flatMap(ofItem).toSorted((a, b) => (a.created_at < b.created_at ? 1 : -1));
}

function ofItem(item) {
  const at = (minutes) => new Date(Date.parse(item.created_at) + minutes * 60_000).toISOString();
  const job = (id, position, status, type, more) => ({
    id, assignment_id: item.id, project: item.project, position, status, worker: 'default', priority: item.priority, reviews: null, phase: 'implementing', progress: 0, message: null,
    spec: { type, harness: null, context: '', worker: null, model: null }, attempts: status === 'queued' ? 0 : 1, failures: 0, rescues: 0, parks: 0, due_at: at(0), park: null, failure: null, output: null,
    commit: null, lease: null, cancel_requested: false, usage: status === 'queued' ? {} : USAGE, cost_micros: status === 'queued' ? 0 : 240_000, created_at: at(position / 60), started_at: null, ended_at: null, ...more,
  });
  const { job: named } = item;
  const other = (digit) => named.id.replace('job_0199', `job_019${digit}`);
  const isOver = !['running', 'queued'].includes(named.status);
  const goesOn = item.status === 'running' || item.status === 'blocked';
  return [
    job(other(8), 1, 'succeeded', 'plan', { output: 'Two steps: the test first, then the change.', started_at: at(1), ended_at: at(2) }),
    job(named.id, 2, named.status, named.type, {
      spec: { type: named.type, harness: named.harness, context: '', worker: null, model: null }, progress: named.progress, message: named.message, worker: named.worker, started_at: named.started_at ?? (isOver ? at(2) : null), ended_at: isOver ? at(4) : null,
      failure: named.status === 'failed' ? { kind: 'agent_failed', message: item.summary, hint: null, retry_at: null } : null, output: named.status === 'succeeded' ? 'The check is green now.' : null,
    }),
    ...(goesOn ? [job(other(7), 3, 'queued', 'pm', {})] : []),
  ];
}

/** Whether a job passes what was asked for. */
export function passesOfJobs(asked) {
  const statuses = asked.get('status')?.split(',');
  const is = (name, value) => !asked.has(name) || asked.get(name) === value;
  return (job) => (!statuses || statuses.includes(job.status)) && is('worker', job.worker) && is('type', job.spec.type) && is('assignment', job.assignment_id);
}
