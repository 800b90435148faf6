// Development and tests only: made-up answers about one piece of work that failed its check twice, its attempt, and a dead letter.

const ago = (ms) => new Date(Date.now() - ms).toISOString();
const MINUTE = 60_000;

const PATCH = `diff --git a/src/cart.ts b/src/cart.ts
index 3f2a9c0..77aa5a9 100644
--- a/src/cart.ts
+++ b/src/cart.ts
@@ -10,6 +10,7 @@ export function total(items: Item[]): number {
   let sum = 0;
   for (const item of items) {
-    sum += item.price;
+    // The price may be undefined for a gift.
+    sum += item.price ?? 0;
   }
   return sum;
 }
diff --git a/.github/workflows/ci.yml b/.github/workflows/ci.yml
index 1111111..2222222 100644
--- a/.github/workflows/ci.yml
+++ b/.github/workflows/ci.yml
@@ -4,2 +4,2 @@ jobs:
   test:
-    - run: npm test
+    - run: npm test -- --ci
`;

/** What is answered, by request. `id` makes an id of a kind and a number. */
export function makeRuns(id) {
  const [assignment, job, attempt, letter] = [id('asg', 1), id('job', 1), id('att', 1), id('job', 70)];
  const failure = { kind: 'guarded_change', message: 'the change touches guarded paths: .github/workflows/ci.yml', hint: 'look at the diff, then approve it: windlass approve', retry_at: null };
  const usage = { input_tokens: 41_000, output_tokens: 2_300, cache_read_tokens: 18_000, cache_write_tokens: 900, cost_micros: 410_000 };
  const spec = { type: 'implement', harness: 'claude', context: 'Mind the gifts: their price is undefined.', worker: null, model: 'a-model', program: null, script: null, timeout_secs: null, idle_timeout_secs: null, max_retries: null, budget: {} };
  const jobOf = (n, position, status, more) => ({
    id: id('job', n), assignment_id: assignment, project: 'shop', position, status, spec, worker: 'default', priority: 0, reviews: null, phase: 'implementing', progress: 0, message: null, attempts: 1, failures: 0, rescues: 0, parks: 0,
    due_at: ago(9 * MINUTE), park: null, failure: null, output: null, commit: null, lease: null, cancel_requested: false, usage, cost_micros: 410_000, created_at: ago(40 * MINUTE), started_at: ago(30 * MINUTE), ended_at: ago(9 * MINUTE), ...more,
  });
  const planned = jobOf(71, 1, 'succeeded', { spec: { ...spec, type: 'plan', context: '' }, output: 'Two steps: the test, then the sum.' });
  const failed = jobOf(1, 2, 'failed', { failure, output: 'The sum counts gifts as zero.' });
  let number = 0;
  const stage = (name, iteration, status, detail, took = 900) => ({ attempt_id: attempt, number: ++number, stage: name, iteration, status, started_at: ago(30 * MINUTE - number * MINUTE), ended_at: ago(30 * MINUTE - number * MINUTE - took), detail });
  const check = 'npm test';
  const stages = [
    stage('prepare', 1, 'passed', { base: 'main', base_commit: '3f2a9c01d7be55aa', branch: 'windlass/01990000-make-the-test-pass', path: '/var/lib/windlass/workspaces/shop/tree' }),
    stage('prompt', 1, 'passed', { bytes: 671, sha256: '63d81a3c70427f69' }),
    stage('run', 1, 'passed', { exit_code: 0, session_id: 's-1', text: 'The sum counts gifts as zero.', usage: { tokens: 43_300 } }, 280_000),
    stage('verify', 1, 'failed', { command: check, exit_code: 1, output: '\u001b[31m✗\u001b[0m cart.test.ts > counts gifts\n  expected 12 to be 10\n', signal: null, summary: 'the check `npm test` failed with exit code 1', tree: 'e928c01e' }, 21_000),
    stage('run', 2, 'passed', { exit_code: 0, session_id: 's-1', text: 'Now it does.', usage: { tokens: 12_000 } }, 90_000),
    stage('verify', 2, 'passed', { command: check, exit_code: 0, output: 'ok\n', signal: null, summary: 'the check `npm test` passed', tree: 'e928c01f' }, 20_000),
    stage('scan', 2, 'failed', { summary: failure.message }),
  ];
  const tried = { id: attempt, job_id: job, assignment_id: assignment, number: 1, token: '1.1', node: 'nod_1', harness: 'claude', status: 'failed', session_id: 's-1', pid: 1, pid_start: 1, isolation: 'bubblewrap', usage, failure, started_at: ago(30 * MINUTE), ended_at: ago(9 * MINUTE) };
  const whole = {
    id: assignment, project: 'shop', north_star: 'Add a dark mode to the settings page\n\nIt follows the system until somebody chooses.', source: 'cli', status: 'blocked', block: { owner: 'person', action: failure.hint, reason: failure.message, kind: 'guarded_change' },
    policy: { review: true, on_failure: 'block', max_inserted_jobs: 20, verify: check, max_iterations: null, harness_defaults: { default: 'claude' }, program: null, script: null, propose: true, locks: ['src/checkout/**'] },
    budget: { runs: 50, wall_secs: null, tokens: null, cost_micros: 10_000_000 }, spent: { runs: 2, wall_ms: 412_000, tokens: 86_600, cost_micros: 820_000, runs_without_usage: 0, runs_without_cost: 0 },
    inserted_jobs: 1, priority: 1, branch: 'windlass/01990000-add-a-dark-mode', base_branch: 'main', base_commit: '3f2a9c01d7be55aa', head_commit: '77aa5a9b1de2', created_at: ago(50 * MINUTE), updated_at: ago(9 * MINUTE), ended_at: null,
    jobs: [planned, failed],
    verdicts: [{ id: 'ver_1', assignment_id: assignment, job_id: planned.id, at: ago(35 * MINUTE), verdict: 'insert', reason: 'The plan is sound: the test first.', jobs: [spec], evidence: [{ kind: 'file', path: 'src/cart.ts' }, { kind: 'commit', sha: '3f2a9c01d7be55aa' }, { kind: 'check', job: planned.id }] }],
  };
  const line = (text, events, stream = 'stdout') => ({ at: ago(25 * MINUTE), stream, line: text, events });
  const said = (event) => line(JSON.stringify(event), [event]);
  const items = [
    said({ kind: 'session', session_id: 's-1', model: 'a-model' }), said({ kind: 'thinking', text: 'The gifts have no price.' }), said({ kind: 'text', text: 'I look at the cart first.' }),
    said({ kind: 'tool_started', id: 't1', name: 'Bash', input: { command: 'npm test -- cart' } }), said({ kind: 'tool_ended', id: 't1', is_error: true, output: 'expected 12 to be 10\n' }),
    said({ kind: 'tool_started', id: 't2', name: 'Edit', input: { file_path: 'src/cart.ts', old_string: 'item.price', new_string: 'item.price ?? 0' } }), said({ kind: 'tool_ended', id: 't2', is_error: false, output: 'done' }),
    said({ kind: 'notice', text: 'The context was made shorter.' }), line('\u001b[31m✗\u001b[0m cart.test.ts > counts gifts', [{ kind: 'unknown', what: 'not_json' }]), line('npm warn deprecated', [], 'stderr'),
    said({ kind: 'usage', usage }), said({ kind: 'ended', end: { ok: true, text: 'The sum counts gifts as zero.', usage, error: null } }),
  ].map((item, n) => ({ number: n, ...item }));
  const dead = { id: letter, status: 'dead', assignment_id: id('asg', 2), project: 'billing', worker: 'default', type: 'implement', harness: 'codex', failure: { kind: 'api_error', message: 'the API answered 529 (overloaded)' }, reason: '4 attempts failed; the last: the API answered 529 (overloaded)', attempts: 4, created_at: ago(200 * MINUTE), died_at: ago(80 * MINUTE) };
  const deadJob = jobOf(70, 1, 'dead', { assignment_id: dead.assignment_id, project: 'billing', attempts: 4, failures: 4, failure: dead.failure, ended_at: dead.died_at });
  const deadWhole = { ...dead, replay: `windlass dead-letters replay ${letter}`, job: deadJob, assignment: { ...whole, id: dead.assignment_id, project: 'billing', north_star: 'Replace the hand-written CSV reader' }, attempts_list: [{ ...tried, id: id('att', 70), job_id: letter, status: 'failed', failure: dead.failure }] };
  return {
    [`GET /assignments/${assignment}`]: whole,
    [`GET /assignments/${assignment}/diff`]: {
      base: '3f2a9c01d7be55aa', head: '77aa5a9b1de2', branch: whole.branch, truncated: false, patch: PATCH,
      files: [{ path: 'src/cart.ts', change: 'modified', insertions: 2, deletions: 1 }, { path: '.github/workflows/ci.yml', change: 'modified', insertions: 1, deletions: 1 }],
    },
    [`GET /jobs/${job}`]: { ...failed, attempts_list: [{ ...tried, stages }] },
    [`GET /jobs/${job}/explain`]: { job: failed, summary: failure.message, hold: null },
    [`POST /jobs/${job}/retry`]: ({ body }) => ({ ...failed, status: 'queued', spec: { ...spec, ...body } }),
    [`POST /assignments/${assignment}/jobs`]: ({ body }) => ({ items: body.jobs.map((one, n) => jobOf(72 + n, 3 + n, 'queued', { spec: one })) }),
    [`PATCH /assignments/${assignment}`]: ({ body }) => ({ ...whole, budget: body.budget ?? whole.budget }),
    [`GET /attempts/${attempt}`]: tried,
    [`GET /attempts/${attempt}/transcript`]: ({ query, places }) => {
      const all = places.transcript ?? items;
      const from = query.has('tail') ? Math.max(0, all.length - Number(query.get('tail'))) : Number(query.get('from') ?? 0);
      return { attempt_id: attempt, items: all.slice(from, from + 500), next: Math.min(all.length, from + 500), ended: true };
    },
    'GET /dead-letters': { items: [dead], next_cursor: null },
    [`GET /dead-letters/${letter}`]: deadWhole,
    'POST /dead-letters/replay': ({ body }) => ({ items: (body.ids ?? [letter]).map((one) => ({ id: one, outcome: body.dry_run ? 'would_replay' : 'replayed', message: null })), next_cursor: null }),
  };
}

/** Events of that work, as the daemon's log has them, the oldest first. */
export function runEvents(id) {
  const ids = { project: 'shop', assignment_id: id('asg', 1), job_id: id('job', 1), attempt_id: id('att', 1) };
  const { attempt_id: _, ...ofJob } = ids;
  const { job_id: __, ...ofAssignment } = ofJob;
  return [
    ['assignment.created', ofAssignment, { by: 'ada', source: 'cli', status: 'active' }],
    ['job.inserted', ofJob, { by: 'ada', position: 2, status: 'queued', type: 'implement', worker: 'default' }],
    ['job.status', ofJob, { from: 'queued', harness: 'claude', status: 'running', worker: 'default' }],
    ['attempt.started', ids, { harness: 'claude', number: 1, type: 'implement' }],
    ['assignment.branch', ofJob, { base_branch: 'main', base_commit: '3f2a9c01d7be55aa', branch: 'windlass/01990000-add-a-dark-mode' }],
    ['stage.ended', ids, { iteration: 1, number: 4, stage: 'verify', status: 'failed', summary: 'the check `npm test` failed with exit code 1' }],
    ['job.progress', ofJob, { phase: 'testing', progress: 60, message: 'runs the tests' }],
    ['attempt.notice', ids, { what: 'context', text: 'The context was made shorter.' }],
    ['attempt.ended', ids, { status: 'failed', wall_ms: 412_000, failure: { message: 'the change touches guarded paths' } }],
    ['verdict.applied', ofJob, { verdict: 'insert', inserted: 1, reason: 'The plan is sound.' }],
    ['assignment.status', ofAssignment, { status: 'blocked', reason: 'the change touches guarded paths', action: 'look at the diff' }],
  ];
}
