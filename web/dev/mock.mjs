// Development and tests only, never in the bundle: an API of made-up work that moves, and the built page under the daemon's content security
// policy. `npm run mock` and, in another terminal, `WINDLASS_URL=http://127.0.0.1:3101 npm run dev`.
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

import { jobsOf, passesOfJobs } from './jobs.mjs';
import { file, isBuilt } from './page.mjs';

/** Starts it. `world` is what it shows; `dist` serves the built page, too. */
export async function start({ port = 0, world = makeWorld(400), moves = true, page = isBuilt() } = {}) {
  const mock = { world, streams: new Set(), signedIn: true, away: false, slowMs: 0, requests: [] };
  const server = createServer((request, response) => answer(mock, request, response, page).catch(() => response.destroy()));
  await new Promise((ready) => server.listen(port, '127.0.0.1', ready));
  const timer = moves ? setInterval(() => move(mock), 900) : undefined;
  return Object.assign(mock, {
    url: `http://127.0.0.1:${server.address().port}`,
    emit: (kind, ids = {}, data = {}) => emit(mock, kind, ids, data),
    dropStreams: () => {
      for (const stream of mock.streams) stream.response.destroy();
    },
    stop: () =>
      new Promise((done) => {
        clearInterval(timer);
        server.close(done);
        server.closeAllConnections();
      }),
  });
}

const WANTED = [
  'Make the checkout test pass on Node 22', 'Add a dark mode to the settings page', 'Replace the hand-written CSV reader', 'Fix the flaky login test',
  'Upgrade the HTTP client and its callers', 'Write the missing documentation of the import job', 'Speed up the product search', 'Remove the unused feature flags',
  'Retry webhooks that answer 503', 'Show the invoice number in the mail', 'Move the cron jobs to the scheduler', 'Validate phone numbers by country',
];
const PROJECTS = ['shop', 'billing', 'website', 'infra'];
const HARNESSES = ['claude', 'codex', 'gemini', 'command'];
const HOLDS = [
  ['worker_busy', 'The worker default is busy with 2 of 2 jobs.', null],
  ['backoff', 'The model answered 503; it is tried again after a pause.', 4 * 60_000],
  ['harness_parked', 'claude is parked: its five-hour limit is reached.', 95 * 60_000],
  ['file_locked', 'src/checkout/** is locked by "Speed up the product search".', null],
  ['predecessor', 'The job before it in the line runs.', null],
];
const BLOCKS = [
  ['verify_failed', 'The check `npm test` stayed red after 3 rounds: 2 tests of cart.test.ts fail.', 'Look at the failing check, then retry the job with a hint.'],
  ['secret_found', 'The change holds an AWS key in config/deploy.yml, line 12.', 'Take the key out and rotate it, then retry.'],
  ['guarded_change', 'The change touches .github/workflows/ci.yml.', 'Look at the diff and approve it, or cancel.'],
];

/** Work of all kinds, always the same for the same number. */
export function makeWorld(rows) {
  let state = 42;
  const random = () => ((state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648);
  const pick = (list) => list[Math.floor(random() * list.length)];
  const now = Date.now();
  const iso = (ms) => new Date(ms).toISOString();
  const work = [];
  for (let n = 0; n < rows; n++) {
    const age = n < 14 ? n * 260_000 + 40_000 : n * 3_100_000;
    const created = now - age - 600_000;
    const status = n < 3 ? 'blocked' : n < 8 ? 'running' : n < 13 ? 'waiting' : n === 13 ? 'idle' : random() < 0.88 ? 'complete' : 'cancelled';
    const isOver = status === 'complete' || status === 'cancelled';
    const hold = pick(HOLDS);
    const block = BLOCKS[n % 3];
    const jobStatus = { blocked: 'failed', running: 'running', waiting: 'queued', idle: 'succeeded', complete: 'succeeded', cancelled: 'cancelled' }[status];
    const runs = status === 'waiting' ? Math.floor(random() * 2) : 1 + Math.floor(random() * 5);
    const cost = Math.floor(random() * 1_800_000) * runs;
    work.push({
      kind: 'assignment', id: id('asg', n), project: pick(PROJECTS), title: WANTED[n % WANTED.length], source: pick(['cli', 'api', 'file', 'github']),
      status, priority: n === 9 ? 2 : 0,
      summary: {
        blocked: block[1], running: `The agent works: ${pick(['reads the callers', 'writes the test first', 'runs npm test', 'edits src/search/index.ts'])}.`,
        waiting: hold[1], idle: 'Nothing is left to do; nobody has said that it is complete.',
        complete: 'Complete: the check is green and the pm found its evidence.', cancelled: 'Called off by a person.',
      }[status],
      until: status === 'waiting' && hold[2] ? iso(now + hold[2]) : null,
      action: status === 'blocked' ? block[2] : null, hold: status === 'waiting' ? hold[0] : null, needs_you: status === 'blocked',
      job: {
        id: id('job', n), type: status === 'idle' ? 'pm' : pick(['plan', 'implement', 'review', 'document']), worker: 'default', harness: pick(HARNESSES), status: jobStatus,
        phase: 'implementing', progress: status === 'running' ? 5 + Math.floor(random() * 80) : 0, message: null, attempts: runs, attempt_id: id('att', n),
        started_at: status === 'running' ? iso(now - 20_000 - Math.floor(random() * 900_000)) : null,
      },
      jobs_total: 3, jobs_over: isOver ? 3 : 1, branch: isOver || status === 'blocked' ? `windlass/${id('', n).slice(1, 9)}-work` : null, pull_request: null,
      spent: { runs, tokens: runs * 41_000, cost_micros: cost, runs_without_cost: random() > 0.1 ? 0 : 1, runs_without_usage: 0, wall_ms: runs * 190_000 }, budget: { runs: 50, wall_secs: null, tokens: null, cost_micros: n % 4 === 0 ? 10_000_000 : null },
      created_at: iso(created), updated_at: iso(created + 300_000),
      ended_at: isOver ? iso(created + 400_000) : null,
    });
  }
  const needs = work.filter((item) => item.needs_you).map((item, n) => ({
    key: `need:${item.id}`, kind: ['blocked', 'secret', 'guarded_change'][n % 3], title: item.title, why: item.summary, action: item.action, since: item.updated_at,
    project: item.project, assignment_id: item.id, job_id: item.job.id, until: null,
  }));
  const sessions = Array.from({ length: Math.min(60, rows) }, (_, n) => ({
    id: id('ses', n), kind: n % 4 === 3 ? 'manual' : 'job', session_type: n % 4 === 3 ? 'manual' : 'implementation', harness: pick(HARNESSES), agent_session_id: `s-${n}`,
    project: n % 4 === 3 ? null : pick(PROJECTS), assignment_id: n % 4 === 3 ? null : id('asg', n), job_id: null, attempt_id: null, cwd: `/srv/src/${pick(PROJECTS)}`,
    title: n % 4 === 3 ? null : WANTED[n % WANTED.length], model: 'a-model', status: n < 5 ? 'active' : n < 8 ? 'idle' : 'ended',
    current_tool: n < 4 ? { name: pick(['Bash', 'Edit', 'Read']), summary: pick(['npm test', 'src/cart.ts', 'src/search/index.ts']), since: iso(now - 7_000 * (n + 1)) } : null,
    last_activity_at: iso(now - n * 97_000), last_activity: pick(['Edited src/cart.ts', 'Ran npm test', 'Says: the two failing tests share one fixture']),
    tools_used: 3 + Math.floor(random() * 60), tools_failed: Math.floor(random() * 3), success_rate: 0.9 + random() / 10, mean_duration_ms: 400 + random() * 4_000,
    started_at: iso(now - n * 400_000 - 300_000), ended_at: n < 8 ? null : iso(now - n * 397_000), end_reason: n < 8 ? null : 'The agent ended',
  }));
  return { work, needs, sessions, seq: 1_000, events: [], paused: false };
}

const id = (kind, n) => `${kind}_0199${String(n).padStart(6, '0')}7c1a8b52`;

/** Some things happen. */
function move(mock) {
  const { world } = mock;
  const running = world.work.filter((item) => item.status === 'running');
  for (const item of running) {
    item.job.progress = Math.min(99, item.job.progress + 3);
    emit(mock, 'job.progress', { assignment_id: item.id, job_id: item.job.id }, { progress: item.job.progress });
  }
  if (world.seq % 7 < 5) return void (world.seq += 1);
  const [ended] = running.slice(-1);
  if (ended) {
    Object.assign(ended, { status: 'complete', ended_at: new Date().toISOString(), summary: 'Complete: the check is green.' });
    ended.job.status = 'succeeded';
  }
  const next = world.work.find((item) => item.status === 'waiting');
  if (next) {
    Object.assign(next, { status: 'running', until: null, hold: null, summary: 'The agent works.' });
    Object.assign(next.job, { status: 'running', started_at: new Date().toISOString() });
    emit(mock, 'job.status', { assignment_id: next.id, job_id: next.job.id }, { status: 'running' });
  }
}

function emit(mock, kind, ids, data) {
  const event = { seq: ++mock.world.seq, at: new Date().toISOString(), kind, data, ...ids };
  mock.world.events.push(event);
  for (const stream of mock.streams) send(stream.response, event);
}

const send = (response, event) => response.write(`id: ${event.seq}\nevent: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`);

async function answer(mock, request, response, page) {
  const url = new URL(request.url, 'http://mock');
  mock.requests.push(`${request.method} ${url.pathname}${url.search}`);
  if (!url.pathname.startsWith('/api/')) return page ? file(url.pathname, response) : response.writeHead(404).end();
  if (mock.away) return void response.destroy();
  if (mock.slowMs) await new Promise((go) => setTimeout(go, mock.slowMs));
  const json = (body, status = 200) => {
    response.writeHead(status, { 'content-type': status < 400 ? 'application/json' : 'application/problem+json' });
    response.end(body === undefined ? undefined : JSON.stringify(body));
  };
  const problem = (status, title, detail, hint) => json({ type: 'mock', title, status, detail, hint }, status);
  if (request.method !== 'GET' && request.headers['content-type'] !== 'application/json') return problem(415, 'Not JSON', 'A change is sent as application/json.');
  let text = '';
  for await (const chunk of request) text += chunk;
  const body = text ? JSON.parse(text) : {};
  const path = url.pathname.slice('/api/v1'.length);
  const what = `${request.method} ${path.replace(/(asg|job|att|ses)_[0-9a-z]+/, ':id')}`;
  if (what === 'POST /session') {
    if (!('token' in body && body.token === 'let-me-in') && body.code !== 'good-code') return problem(401, 'Not signed in', 'That is not a token that is known here.', 'It stands in the file token of the data directory.');
    mock.signedIn = mock.wantsKey = true;
    return json({ ...me(), page_key: 'key-of-this-page' });
  }
  if (mock.wantsKey && request.headers['x-windlass-page-key'] !== 'key-of-this-page') return problem(401, 'Not signed in', 'The session is over.', null);
  if (!mock.signedIn) return problem(401, 'Not signed in', 'This needs a token.', null);
  const { world } = mock;
  const project = url.searchParams.get('project');
  const inProject = (list) => (project ? list.filter((row) => row.project === project) : list);
  switch (what) {
    case 'GET /me':
      return json(mock.me ?? me());
    case 'DELETE /session':
      mock.signedIn = false;
      return json(undefined, 204);
    case 'GET /status':
      return json({ version: '0.1.0', node: 'mock', started_at: new Date().toISOString(), ready: true, paused: world.paused, isolation: 'bubblewrap', store: 'sqlite', jobs: {}, assignments: {}, workers: [], harness_parks: [], storage_problem: world.storage ?? null });
    case 'POST /pause':
    case 'POST /resume':
      world.paused = what.endsWith('pause');
      emit(mock, world.paused ? 'engine.paused' : 'engine.resumed', {}, {});
      return json({});
    case 'GET /projects':
      return json({ items: PROJECTS.map((name) => ({ name, settings: {}, created_at: '', updated_at: '' })), next_cursor: null });
    case 'GET /work': {
      const ids = url.searchParams.get('ids')?.split(',');
      if (ids) return json({ items: world.work.filter((row) => ids.includes(row.id)), next_cursor: null });
      return json(paged(sorted(inProject(world.work).filter(passes(url.searchParams)), url.searchParams.get('sort')), url.searchParams));
    }
    case 'GET /jobs':
      return json(paged(inProject(jobsOf(world.work)).filter(passesOfJobs(url.searchParams)), url.searchParams));
    case 'GET /work/stats':
      return json(statsOf(inProject(world.work), inProject(world.sessions), world.seq));
    case 'GET /inbox':
      return json({ items: inProject(world.needs), next_cursor: null });
    case 'GET /agents':
      return json(paged(inProject(world.sessions).filter(passes(url.searchParams)), url.searchParams));
    case 'GET /events': {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
      const after = Number(request.headers['last-event-id'] ?? url.searchParams.get('after') ?? world.seq);
      response.write(`id: ${after}\n: following\n\n`);
      for (const event of world.events) if (event.seq > after) send(response, event);
      const stream = { response };
      mock.streams.add(stream);
      const alive = setInterval(() => response.write(': alive\n\n'), 15_000);
      response.on('close', () => (clearInterval(alive), mock.streams.delete(stream)));
      return;
    }
    case 'GET /assignments/:id': {
      const item = world.work.find((row) => path.endsWith(row.id));
      const spec = item && { type: item.job.type, harness: item.job.harness, context: '' };
      const jobs = item && [{ ...item.job, assignment_id: item.id, project: item.project, position: 1, spec, usage: {}, cost_micros: 0, priority: 0, created_at: item.created_at }];
      const block = item?.status === 'blocked' ? { owner: 'person', reason: item.summary, action: item.action, kind: item.job.status === 'failed' ? 'verify_failed' : null } : null;
      return item ? json({ ...item, north_star: item.title, jobs, verdicts: [], block, spent: {}, policy: {} }) : problem(404, 'Not found', 'There is no such assignment.');
    }
    case 'POST /assignments/:id/cancel':
    case 'PATCH /assignments/:id':
    case 'POST /jobs/:id/retry':
    case 'POST /jobs/:id/approve': {
      const item = world.work.find((row) => path.includes(row.id) || path.includes(row.job.id));
      if (!item) return problem(404, 'Not found', 'There is no such work.');
      world.needs = world.needs.filter((need) => need.assignment_id !== item.id);
      if (what.endsWith('cancel')) Object.assign(item, { status: 'cancelled', needs_you: false, ended_at: new Date().toISOString(), summary: 'Called off by a person.', action: null });
      else Object.assign(item, { status: 'running', needs_you: false, action: null, summary: 'The agent works.' }), Object.assign(item.job, { status: 'running', started_at: new Date().toISOString() });
      emit(mock, 'assignment.status', { assignment_id: item.id }, { status: item.status });
      return json({});
    }
    default:
      return problem(404, 'Not found', `The mock has no ${what}.`);
  }
}

const me = () => ({ name: 'owner', via: 'session', scope: 'admin', user: null, assignment_id: null, expires_at: null });

function passes(asked) {
  const words = (asked.get('q') ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  const statuses = asked.get('status')?.split(',');
  const since = Date.parse(asked.get('since') ?? '') || 0;
  const until = Date.parse(asked.get('until') ?? '') || Infinity;
  return (row) => {
    const made = Date.parse(row.created_at ?? row.started_at);
    return (!statuses || statuses.includes(row.status)) && made >= since && made < until && words.every((word) => (row.title ?? '').toLowerCase().includes(word)) && (!asked.get('source') || row.source === asked.get('source'));
  };
}

const RANK = { blocked: 0, running: 1, waiting: 2, idle: 3, complete: 4, cancelled: 4 };

function sorted(rows, sort) {
  const newest = (a, b) => (a.created_at < b.created_at ? 1 : -1);
  return rows.toSorted(sort === 'newest' ? newest : (a, b) => RANK[a.status] - RANK[b.status] || newest(a, b));
}

function paged(rows, asked) {
  const from = Number(asked.get('cursor') ?? 0);
  const limit = Number(asked.get('limit') ?? 50);
  return { items: rows.slice(from, from + limit), next_cursor: from + limit < rows.length ? String(from + limit) : null };
}

function statsOf(work, sessions, seq) {
  const count = (list, of) => list.reduce((sum, row) => ({ ...sum, [of(row)]: (sum[of(row)] ?? 0) + 1 }), {});
  return {
    statuses: count(work.slice(0, 500), (row) => row.status), total: work.length, needs_you: work.filter((row) => row.needs_you).length, jobs: count(work.slice(0, 500), (row) => row.job.status),
    agents: { active: 0, idle: 0, ...count(sessions, (row) => row.status) }, seq,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [port = '3101', rows = '400'] = process.argv.slice(2);
  const mock = await start({ port: Number(port), world: makeWorld(Number(rows)) });
  console.log(`mock on ${mock.url}`);
}
