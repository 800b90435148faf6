// Development and tests only, never in the bundle: the mock of `mock.mjs`, and before it made-up answers for the pages beside the list of work.
// `node dev/places.mjs 3102`, and in another terminal `WINDLASS_URL=http://127.0.0.1:3102 npm run dev`.
import { createServer, request as ask } from 'node:http';
import { fileURLToPath } from 'node:url';

import { makeWorld, start } from './mock.mjs';
import { makeRuns, runEvents } from './runs.mjs';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ago = (ms) => new Date(Date.now() - ms).toISOString();
const id = (kind, n) => `${kind}_0199${String(n).padStart(6, '0')}7c1a8b52`;
const list = (items) => ({ items, next_cursor: null });

/** Starts it. `answers` says what each request is answered with; a test may change it. What it does not name goes to the mock behind. */
export async function startPlaces({ port = 0, rows = 60, moves = false } = {}) {
  const mock = await start({ world: makeWorld(rows), moves });
  const places = { mock, answers: makeAnswers(), refused: {}, requests: [] };
  for (const event of runEvents(id)) mock.emit(...event);
  const behind = new URL(mock.url);
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://places');
    const isApi = url.pathname.startsWith('/api/v1/');
    const what = isApi ? `${request.method} ${url.pathname.slice('/api/v1'.length)}` : '';
    const refused = places.refused[what];
    const found = Object.hasOwn(places.answers, what) ? places.answers[what] : undefined;
    // The stream is the mock's own.
    const isStream = what === 'GET /events' && !url.searchParams.has('limit');
    if (isStream || (refused === undefined && found === undefined)) {
      const onward = ask({ host: behind.hostname, port: behind.port, path: request.url, method: request.method, headers: request.headers }, (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
        response.on('close', () => answer.destroy());
      });
      onward.on('error', () => response.destroy());
      return void request.pipe(onward);
    }
    let text = '';
    for await (const chunk of request) text += chunk;
    const body = text ? JSON.parse(text) : undefined;
    places.requests.push({ what, body, query: Object.fromEntries(url.searchParams) });
    if (refused !== undefined) {
      response.writeHead(refused.status, { 'content-type': 'application/problem+json' });
      return void response.end(JSON.stringify({ type: 'mock', title: 'Refused', detail: 'It cannot be done.', ...refused }));
    }
    const result = typeof found === 'function' ? found({ body, query: url.searchParams, places }) : found;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(result ?? {}));
  });
  await new Promise((ready) => server.listen(port, '127.0.0.1', ready));
  return Object.assign(places, {
    url: `http://127.0.0.1:${server.address().port}`,
    emit: (...event) => mock.emit(...event),
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await mock.stop();
    },
  });
}

function makeAnswers() {
  const worker = (name, limit, running, queued) => ({ name, limit, running, queued });
  const failure = (kind, message) => ({ kind, message, hint: null, retry_at: null });
  const breakers = [
    { id: 'claude/default', harness: 'claude', account: 'default', status: 'open', failures: 5, changed_at: ago(4 * 60_000), open_until: ago(-6 * 60_000), failure: failure('api_error', 'The API answered 529 (overloaded) five times in a row.'), probe: null },
    { id: 'codex/default', harness: 'codex', account: 'default', status: 'closed', failures: 0, changed_at: ago(3 * HOUR), open_until: null, failure: null, probe: null },
  ];
  const parks = [{ harness: 'gemini', until: ago(-2 * HOUR), reason: 'The daily quota of gemini is spent.' }];
  const status = {
    version: '0.1.0', node: 'nod_1', started_at: ago(DAY), ready: true, stopping: false, paused: false, isolation: 'bubblewrap', store: 'postgres', jobs: {}, assignments: {}, storage_problem: null,
    workers: [worker('default', 4, 3, 9), worker('big', 1, 1, 2), worker('night', 2, 0, 0)], harness_parks: parks, breakers: [breakers[0]],
  };
  const node = (n, host, more) => ({ id: `nod_${n}`, host, pid: 4_000 + n, version: '0.1.0', started_at: ago(n * DAY), seen_at: ago(n * 2_000), gone: false, running: n, roles: ['worker', 'api'], duties: [], workers: [{ name: 'default', slots: 4 }], ...more });
  const problem = (what, hint) => ({ what, hint });
  const locks = [
    { assignment_id: id('asg', 3), number: 1, project: 'shop', pattern: 'src/checkout/**', status: 'held', since: ago(9 * 60_000), touched: false, waits_for: null },
    { assignment_id: id('asg', 8), number: 1, project: 'shop', pattern: 'src/checkout/cart.ts', status: 'waiting', since: null, touched: false, waits_for: { holder: id('asg', 3), ours: 'src/checkout/cart.ts', theirs: 'src/checkout/**', since: ago(9 * 60_000) } },
    { assignment_id: id('asg', 5), number: 2, project: 'billing', pattern: 'invoices/render.py', status: 'held', since: ago(2 * 60_000), touched: true, waits_for: null },
    { assignment_id: id('asg', 9), number: 1, project: 'website', pattern: 'docs/', status: 'free', since: null, touched: false, waits_for: null },
  ];
  const branches = ['active', 'merging', 'active', 'merged', 'merged'].map((state, n) => ({
    assignment_id: id('asg', n), project: ['shop', 'billing', 'website'][n % 3], name: `windlass/0199${n}-${['make-the-test-pass', 'dark-mode', 'csv-reader'][n % 3]}`, base: 'main', status: state,
    head: n === 2 ? null : `${n}f3c9a1be77d0042aa19c5e0d9b2f6e81c44a90${n}`, declared: null, created_at: ago((n + 1) * 5 * HOUR), updated_at: ago(n * 2 * HOUR + 60_000),
  }));
  const findings = [
    { assignment_id: id('asg', 1), job_id: id('job', 1), number: 1, project: 'shop', path: 'config/deploy.yml', line: 12, column: 9, rule: 'aws-access-key', redacted: 'AKIA****', fingerprint: '0f3c5a9b1de2', commit: '3f2a9c01d7be55', found_at: ago(40 * 60_000) },
    { assignment_id: id('asg', 1), job_id: id('job', 1), number: 2, project: 'shop', path: 'tests/fixtures/token.json', line: 3, column: 14, rule: 'jwt', redacted: 'eyJh****', fingerprint: '77aa5a9b1de2', commit: null, found_at: ago(41 * 60_000) },
  ];
  const operation = (n, state, more) => ({
    id: id('asg', 20 + n), operationId: id('asg', 20 + n), operationType: ['error_fix', 'feature_implementation', 'refactor', 'test'][n % 4], status: state, organizationId: 'acme', sessionId: `s-${n}`, project: ['shop', 'billing'][n % 2],
    description: ['TypeError: total is undefined in cart.ts', 'Let customers pay by invoice', 'Split the product module', 'Cover the discount rules'][n % 4], approvalRequired: n % 2 === 0, branch: n > 1 ? `windlass/op-${n}` : null,
    createdAt: ago(n * 3 * HOUR + 90_000), updatedAt: ago(n * 3 * HOUR + 30_000), endedAt: null, hold: null, why: null, progress: { percent: 0, phase: null, message: null }, callback: null, request: null, result: null,
    links: Object.fromEntries(['self', 'events', 'result', 'cancel', 'assignment'].map((name) => [name, name === 'self' ? `/api/v1/code-operations/${id('asg', 20 + n)}` : `/api/v1/code-operations/${id('asg', 20 + n)}/${name}`])), ...more,
  });
  const operations = [
    operation(0, 'running', { progress: { percent: 45, phase: 'testing', message: 'runs the cart tests' }, callback: { status: 'due', deliveryId: 'msg_1', tries: 0, dueAt: null, problem: null } }),
    operation(1, 'queued', { hold: { kind: 'worker_busy', reason: 'The worker default is busy with 4 of 4 jobs.', until: null, hint: null } }),
    operation(2, 'succeeded', {
      endedAt: ago(5 * HOUR), callback: { status: 'dead', deliveryId: 'msg_2', tries: 8, dueAt: null, problem: 'https://hooks.acme.example/windlass answered 500.' },
      result: { operationId: id('asg', 22), success: true, status: 'succeeded', branch: 'windlass/op-2', commits: ['3f2a9c01d7be55aa'], filesModified: ['src/product/index.ts', 'src/product/price.ts'], iterations: 2, duration: 312_000, error: null, pr: { number: 41, title: 'Split the product module', url: 'https://git.example/acme/shop/pulls/41' } },
    }),
    operation(3, 'failed', { endedAt: ago(8 * HOUR), why: 'The check `npm test` stayed red after 5 rounds.', result: { operationId: id('asg', 23), success: false, status: 'failed', branch: '', commits: [], filesModified: [], iterations: 5, duration: 900_000, error: 'The check `npm test` stayed red.', pr: null } }),
  ];
  const project = (name, more) => ({ name, repo: `/srv/src/${name}`, default_branch: 'main', trusted: null, created_at: ago(40 * DAY), updated_at: ago(2 * DAY), settings: { verify: 'npm test', harness_defaults: { default: 'claude', pm: 'codex' }, budget: { cost_micros: 5_000_000 }, propose: true, timeout_secs: 1_800 }, ...more });
  const projects = [project('shop'), project('billing', { trusted: 'sha256:aa11' }), project('website', { settings: {} }), project('infra', { repo: 'ssh://git@git.example/infra' })];
  const tokens = [
    { id: 'tok_1', name: 'nightly-build', scope: 'operate', assignment_id: null, created_by: 'ada', created_at: ago(20 * DAY), expires_at: ago(-70 * DAY), last_used_at: ago(8 * HOUR), revoked_at: null },
    { id: 'tok_2', name: 'dashboard-tv', scope: 'read', assignment_id: null, created_by: 'ada', created_at: ago(90 * DAY), expires_at: null, last_used_at: ago(60_000), revoked_at: null },
    { id: 'tok_3', name: 'old-laptop', scope: 'admin', assignment_id: null, created_by: 'ada', created_at: ago(200 * DAY), expires_at: null, last_used_at: null, revoked_at: ago(30 * DAY) },
  ];
  const users = [
    { name: 'ada', role: 'admin', disabled: false, created_at: ago(200 * DAY), last_login_at: ago(HOUR) },
    { name: 'grace', role: 'operator', disabled: false, created_at: ago(90 * DAY), last_login_at: ago(3 * DAY) },
    { name: 'linus', role: 'viewer', disabled: true, created_at: ago(20 * DAY), last_login_at: null },
  ];
  const signIns = [
    { id: 'crd_1', name: 'person', scope: 'admin', user: null, created_at: ago(HOUR), last_used_at: ago(20_000), expires_at: ago(-14 * DAY), current: true },
    { id: 'crd_2', name: 'grace', scope: 'operate', user: 'grace', created_at: ago(3 * DAY), last_used_at: ago(2 * DAY), expires_at: ago(-12 * DAY), current: false },
    { id: 'crd_3', name: 'ada', scope: 'read', user: 'ada', created_at: ago(40 * DAY), last_used_at: ago(40_000), expires_at: ago(-14 * DAY), current: false },
    { id: 'crd_4', name: 'ada', scope: 'admin', user: 'ada', created_at: ago(80 * DAY), last_used_at: null, expires_at: ago(-6 * DAY), current: false },
  ];
  const audit = Array.from({ length: 40 }, (_, n) => {
    const [method, action, path, code] = [['POST', 'cancel_job', `jobs/${id('job', n)}/cancel`, 200], ['PUT', 'put_project', 'projects/shop', 403], ['POST', 'run_goal', 'assignments/run', 201], ['POST', 'sign_in', 'session', 401], ['POST', 'cancel_assignment', `assignments/${id('asg', n)}/cancel`, 409]][n % 5];
    return { id: `aud_${1_000 - n}`, at: ago(n * 2 * HOUR), who: ['ada', 'grace', 'nightly-build', 'nobody'][n % 4], via: ['session', 'session', 'token', 'none'][n % 4], action, method, path: `/api/v1/${path}`, status: code, peer: '127.0.0.1' };
  });
  const setting = (key, value, origin = 'default', from = '') => ({ key, value, origin, from });
  const settings = [
    setting('listen', '127.0.0.1:3001', 'flag', '--listen'), setting('workspace_root', '/var/lib/windlass/workspaces', 'environment', 'WORKSPACE_ROOT'), setting('max_concurrent_tasks', 4, 'file', 'windlass.toml:3'), setting('log_level', 'info'),
    setting('sandbox.mode', 'auto'), setting('sandbox.network', 'open'), setting('sandbox.show', ['/opt/node']), setting('retention.events', null), setting('forge.url', null), setting('files.root', '/srv/tasks', 'environment', 'WINDLASS_SHARED_DIR'),
  ];
  const run = { dry_run: false, started_at: ago(HOUR), ended_at: ago(HOUR - 4_000), workspace_bytes: 18_400_000_000, problems: [], removed: { assignments: 3, events: 1_200, transcripts: 3, transcript_bytes: 4_400_000, workspaces: 5, workspace_bytes: 3_100_000_000 }, kept: [{ assignment_id: id('asg', 30), bytes: 210_000_000, why: 'It holds commits that are on no branch of the repository.', hint: 'windlass clean --bundle writes them to a bundle first.' }] };
  const housekeeping = { retention: { finished_secs: 7_776_000, workspaces_secs: 604_800, workspaces_max_bytes: 50_000_000_000, transcripts_secs: 2_592_000, transcripts_max_bytes: null, events_secs: null, interval_secs: 600, min_free_bytes: 1_000_000_000 }, last: run, next_at: ago(-5 * 60_000), backed_up_at: ago(30 * HOUR), restore: null };
  const latency = { counts: [0, 2, 80, 40, 20, 4, 0, 0, 0, 0, 0], sum_ms: 900 };
  const files = { root: '/srv/tasks', watching: 'events', waiting: 0, overflows: 0, results_pending: 1, last_rescan_at: ago(5 * 60_000), problem: null, workers: [{ name: 'marie', mode: 'worker', configured: true, live: 2, taken: 146, rejected: 1, results: { done: 139, failed: 4 }, degraded: null, outside: null, detection: latency, intake: latency }, { name: 'otto', mode: 'hybrid', configured: false, live: 1, taken: 12, rejected: 0, results: { done: 11 }, degraded: 'its directory cannot be written', outside: { waiting: 1, active: 0 }, detection: latency, intake: latency }] };
  const notifications = {
    channels: [
      { name: 'on-call', kind: 'slack', target: 'https://hooks.slack.example/…', kinds: ['blocked', 'breaker'], projects: ['shop', 'billing'], last_sent_at: ago(2 * HOUR), last_error: null },
      { name: 'mail', kind: 'email', target: 'team@acme.example', kinds: ['needs_you'], projects: [], last_sent_at: null, last_error: 'smtp.acme.example refused the connection.' },
    ],
    recent: [
      { id: 'ntf_2', at: ago(2 * HOUR), channel: 'on-call', kind: 'blocked', title: 'Make the checkout test pass on Node 22 is blocked', state: 'sent', tries: 1, error: null, assignment_id: id('asg', 0), job_id: id('job', 0) },
      { id: 'ntf_1', at: ago(2 * HOUR), channel: 'mail', kind: 'blocked', title: 'Make the checkout test pass on Node 22 is blocked', state: 'failed', tries: 5, error: 'smtp.acme.example refused the connection.', assignment_id: id('asg', 0), job_id: id('job', 0) },
      { id: 'ntf_0', at: ago(3 * HOUR), channel: 'on-call', kind: 'breaker', title: 'claude/default is out of order', state: 'due', tries: 2, error: 'hooks.slack.example answered 503.' },
    ],
  };
  const tools = [['Bash', 41, 5, 4_200], ['Read', 120, 1, 40], ['Edit', 64, 2, 90], ['Grep', 33, 0, 130], ['WebFetch', 2, 2, null]].map(([tool, used, failed, mean]) => ({ tool, used, failed, mean_duration_ms: mean }));
  const metrics = { sessions: 60, active: 5, idle: 3, tools_used: 260, tools_failed: 10, success_rate: 0.96, mean_duration_ms: 812, by_tool: tools, by_harness: [{ harness: 'claude', sessions: 40, tools_used: 210, tools_failed: 8 }, { harness: 'codex', sessions: 20, tools_used: 50, tools_failed: 2 }] };
  const activities = [];
  const did = (kind, summary, more = {}) => activities.push({ number: activities.length + 1, at: ago(20 * 60_000 - activities.length * 4_000), kind, tool: null, summary, ok: null, duration_ms: null, ...more });
  did('session_start', 'a-model in /srv/src/shop');
  did('prompt', 'Make the checkout test pass on Node 22');
  for (let n = 0; n < 60; n++) {
    const [tool, summary] = [['Read', 'src/cart.ts'], ['Bash', 'npm test -- cart'], ['Edit', 'src/cart.ts'], ['Grep', 'toFixed']][n % 4];
    did('tool_start', summary, { tool });
    if (n < 59) did('tool_end', '', { tool, ok: n % 9 !== 5, duration_ms: 30 + ((n * 7_919) % 5_000) });
    if (n % 12 === 11) did('message', 'The two failing tests share one fixture, which rounds the price.');
  }
  return {
    'GET /status': status,
    'POST /pause': ({ places }) => void (places.answers['GET /status'].paused = true),
    'POST /resume': ({ places }) => void (places.answers['GET /status'].paused = false),
    'GET /breakers': list(breakers),
    'POST /breakers/claude/default/close': ({ places }) => Object.assign(places.answers['GET /breakers'].items[0], { status: 'closed', failures: 0 }),
    'POST /harnesses/gemini/unpark': ({ places }) => void (places.answers['GET /status'].harness_parks = []),
    'GET /nodes': list([node(1, 'forge-a', { duties: ['housekeeping', 'callbacks'] }), node(2, 'forge-b', { roles: ['worker'], workers: [{ name: 'default', slots: 4 }, { name: 'big', slots: 1 }] }), node(3, 'forge-c', { gone: true, seen_at: ago(3 * HOUR), running: 0 })]),
    'GET /doctor': {
      harnesses: [
        { harness: 'claude', path: '/usr/local/bin/claude', version: '2.1.0', login: 'login_file', login_expires_at: null, problems: [], used: true },
        { harness: 'codex', path: '/usr/local/bin/codex', version: '0.58.0', login: null, login_expires_at: null, problems: [problem('codex is not logged in.', 'Run `codex login` as the daemon’s user.')], used: true },
        { harness: 'gemini', path: null, version: null, login: null, login_expires_at: null, problems: [problem('gemini is not installed.', 'npm install -g the Gemini CLI.')], used: false },
      ],
      checks: [{ name: 'git', found: '2.47.3', problem: null }, { name: 'disk', found: '812 MB free', problem: problem('Little space is left.', 'Free some, or lower retention.min_free.') }],
    },
    'GET /locks': list(locks),
    'GET /branches': list(branches),
    [`POST /branches/${branches[0].assignment_id}/merged`]: ({ places }) => Object.assign(places.answers['GET /branches'].items[0], { status: 'merged' }),
    [`POST /branches/${branches[0].assignment_id}/release`]: ({ places }) => void places.answers['GET /branches'].items.shift(),
    'GET /findings': list(findings),
    'GET /code-operations': list(operations),
    ...Object.fromEntries(operations.map((one) => [`GET /code-operations/${one.id}`, one])),
    [`POST /code-operations/${operations[0].id}/cancel`]: () => Object.assign(operations[0], { status: 'cancelled', endedAt: ago(0), why: 'Called off by a person.' }),
    'POST /code-operations': { id: operations[1].id, operationId: operations[1].id, status: 'queued', created: true, links: operations[1].links },
    'GET /projects': list(projects),
    ...Object.fromEntries(projects.map((one) => [`GET /projects/${one.name}`, one])),
    'GET /projects/shop/trust': { project: 'shop', commit: '3f2a9c01d7be55aa', hash: 'sha256:0f3c5a9b', trusted: false, files: { '.windlass/project.toml': 'verify = "npm test"\nsetup = "npm ci"\n', '.windlass/prompts/pm.md': 'You are the pm of the shop.\n' } },
    'POST /projects/shop/trust': ({ places }) => {
      places.answers['GET /projects/shop/trust'].trusted = true;
      return Object.assign(places.answers['GET /projects/shop'], { trusted: 'sha256:0f3c5a9b' });
    },
    'PUT /projects/shop': ({ body, places }) => Object.assign(places.answers['GET /projects/shop'], body, { updated_at: ago(0) }),
    'POST /assignments/run': ({ body }) => ({ created: true, assignment: { id: id('asg', 0), north_star: body.goal }, jobs: [] }),
    'POST /assignments': ({ body }) => ({ created: true, assignment: { id: id('asg', 0), north_star: body.north_star }, jobs: [] }),
    'GET /tokens': list(tokens),
    'POST /tokens': ({ body, places }) => {
      const made = { id: 'tok_9', assignment_id: null, created_by: 'ada', created_at: ago(0), expires_at: null, last_used_at: null, revoked_at: null, ...body };
      places.answers['GET /tokens'].items.unshift(made);
      return { ...made, secret: 'wlt_shown-this-once' };
    },
    'DELETE /tokens/tok_1': ({ places }) => Object.assign(places.answers['GET /tokens'].items.find((token) => token.id === 'tok_1'), { revoked_at: ago(0) }),
    'POST /login-links': { path: '/login#once', expires_at: ago(-5 * 60_000) },
    'GET /users': list(users),
    'POST /users': ({ body, places }) => void places.answers['GET /users'].items.push({ name: body.name, role: body.role, disabled: false, created_at: ago(0), last_login_at: null }),
    'PATCH /users/grace': ({ body, places }) => Object.assign(places.answers['GET /users'].items.find((user) => user.name === 'grace'), body),
    'DELETE /users/linus': ({ places }) => void places.answers['GET /users'].items.pop(),
    'GET /sign-ins': list(signIns),
    'DELETE /sign-ins/crd_2': ({ places }) => places.answers['GET /sign-ins'].items.splice(1, 1)[0],
    'GET /audit': ({ query }) => list(audit.filter((line) => (!query.get('who') || line.who === query.get('who')) && (!query.get('action') || line.action === query.get('action')))),
    'GET /settings': list(settings),
    'GET /housekeeping': housekeeping,
    'POST /housekeeping': ({ body }) => ({ ...run, dry_run: body.dry_run, kept: [] }),
    'POST /backup': ({ body }) => ({ path: body.path, made_at: ago(0), bytes: 41_000_000, assignments: 60, jobs: 180, unpushed: 1, left_out: ['workspaces', 'transcripts'] }),
    // The daemon is gone a moment; a test says when it is back, and how that went.
    'POST /restore': ({ body }) => ({ path: body.path, made_at: ago(3 * HOUR), bytes: 41_000_000, assignments: 60, jobs: 180, unpushed: 0, left_out: [] }),
    'GET /files': files,
    'GET /files/dead-letters': list([{ id: 'otto/a', task_id: 'a', worker: 'otto', attempts: 3, died_at: ago(DAY), reason: 'The executor told: out of memory.', letter: null, replay: 'windlass dead-letters replay otto/a', status: 'dead' }]),
    'GET /notifications': notifications,
    'POST /notifications/test': {},
    'GET /agents/metrics': metrics,
    [`GET /agents/${id('ses', 0)}`]: ({ places }) => places.mock.world.sessions[0],
    [`GET /agents/${id('ses', 0)}/activity`]: ({ query }) => {
      const after = activities.filter((one) => one.number > Number(query.get('after') ?? 0));
      const page = after.slice(0, Number(query.get('limit') ?? 50));
      return { items: page, next_cursor: page.length < after.length ? String(page.at(-1).number) : null };
    },
    'GET /events': ({ query, places }) => {
      const kinds = query.get('kinds')?.split(',');
      const passing = places.mock.world.events.filter(
        (event) => event.seq > Number(query.get('after') ?? 0) && (!kinds || kinds.includes(event.kind)) && (!query.get('assignment') || event.assignment_id === query.get('assignment')),
      );
      return { items: passing.slice(0, Number(query.get('limit'))), next_cursor: null };
    },
    'GET /charts': ({ query }) => makeCharts(query),
    ...makeRuns(id),
  };
}

/** Figures that look like a week of work, for whatever time is asked. */
function makeCharts(query) {
  const step = query.get('bucket') === 'hour' ? HOUR : DAY;
  const [since, until] = [Date.parse(query.get('since')), Date.parse(query.get('until'))];
  const throughput = [];
  const durations = [];
  for (let at = since, n = 0; at < until; at += step, n++) {
    const busy = n % 7 === 5 ? 0 : 6 + ((n * 37) % 17);
    throughput.push({ at: new Date(at).toISOString(), succeeded: busy, failed: busy ? n % 4 : 0, dead: busy && n % 5 === 0 ? 1 : 0, cancelled: busy ? n % 3 : 0 });
    if (busy) durations.push({ at: new Date(at).toISOString(), count: busy, p50_secs: 90 + ((n * 53) % 120), p95_secs: 400 + ((n * 97) % 500) });
  }
  return {
    bucket: query.get('bucket') ?? 'day', since: query.get('since'), until: query.get('until'), throughput, durations,
    cost: [['shop', 'claude', 42, 5_100_000, 18_400_000, 0], ['billing', 'codex', 20, 1_900_000, 4_100_000, 3], ['website', 'gemini', 9, 420_000, 0, 9]].map(([project, harness, attempts, tokens, cost_micros, unknown_cost_attempts]) => ({ project, harness, attempts, tokens, cost_micros, unknown_cost_attempts })),
    failures: [['verify_failed', 'permanent', 9], ['api_error', 'transient', 14], ['rate_limited', 'parked', 3], ['secret_found', 'permanent', 1]].map(([kind, failureClass, count]) => ({ kind, class: failureClass, count })),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const places = await startPlaces({ port: Number(process.argv[2] ?? 3_102), rows: 400, moves: true });
  console.log(`places on ${places.url}`);
}
