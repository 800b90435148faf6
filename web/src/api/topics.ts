/** Which questions an event makes stale. A topic is the beginning of a query's key. */
import type { EventKind, WindlassEvent } from './types';

/** Every kind of event. */
export const KINDS: readonly EventKind[] = Object.keys({
  'assignment.created': 0,
  'assignment.status': 0,
  'assignment.branch': 0,
  'branch.changed': 0,
  'job.inserted': 0,
  'job.status': 0,
  'job.progress': 0,
  'attempt.started': 0,
  'stage.started': 0,
  'stage.ended': 0,
  'attempt.ended': 0,
  'pull_request.changed': 0,
  'verdict.applied': 0,
  'verdict.refused': 0,
  'attempt.notice': 0,
  'harness.parked': 0,
  'breaker.changed': 0,
  'engine.paused': 0,
  'engine.resumed': 0,
  'engine.restored': 0,
  'project.changed': 0,
  'operation.callback': 0,
  'session.started': 0,
  'session.activity': 0,
  'session.ended': 0,
  other: 0,
  // A kind that is missing here does not compile.
} satisfies Record<EventKind, 0>) as EventKind[];

/** Lists of work: their rows, figures, and what needs somebody. */
const ROWS = ['work', 'held', 'stats', 'inbox', 'jobs', 'assignments', 'operations', 'operation'];

const BY_KIND: Record<EventKind, readonly string[]> = {
  'assignment.created': [...ROWS, 'projects'],
  'assignment.status': [...ROWS, 'locks', 'branches'],
  'assignment.branch': ['work', 'branches'],
  'branch.changed': ['branches', 'work'],
  'job.inserted': ROWS,
  'job.status': [...ROWS, 'dead-letters', 'workers', 'locks', 'charts', 'findings'],
  'job.progress': ['work', 'jobs', 'operations', 'operation'],
  'attempt.started': ['work', 'held', 'jobs', 'workers'],
  'stage.started': ['work'],
  'stage.ended': ['work'],
  'attempt.ended': ['work', 'stats', 'findings', 'charts'],
  'pull_request.changed': ['work', 'branches', 'inbox'],
  'verdict.applied': ['work', 'inbox'],
  'verdict.refused': ['work', 'inbox'],
  'attempt.notice': ['work'],
  'harness.parked': ['work', 'held', 'jobs', 'inbox', 'status', 'breakers', 'workers'],
  'breaker.changed': ['work', 'held', 'jobs', 'inbox', 'status', 'breakers', 'workers'],
  'engine.paused': ['work', 'held', 'jobs', 'status', 'stats', 'workers'],
  'engine.resumed': ['work', 'held', 'jobs', 'status', 'stats', 'workers'],
  'engine.restored': [],
  'project.changed': ['projects', 'project'],
  'operation.callback': ['operations', 'operation'],
  'session.started': ['agents', 'stats', 'agent-metrics'],
  'session.activity': ['agents', 'agent-metrics'],
  'session.ended': ['agents', 'stats', 'agent-metrics'],
  other: [],
};

/** The beginnings of the keys that an event makes stale. `null` stands for all: another history was restored. */
export function staleKeys(event: WindlassEvent): readonly (readonly string[])[] | null {
  if (event.kind === 'engine.restored') return null;
  const keys: string[][] = (BY_KIND[event.kind] ?? []).map((topic) => [topic]);
  if (event.assignment_id) keys.push(['assignment', event.assignment_id]);
  if (event.job_id) keys.push(['job', event.job_id]);
  if (event.attempt_id) keys.push(['attempt', event.attempt_id]);
  const session = event.data['session_id'];
  if (typeof session === 'string' && event.kind.startsWith('session.')) keys.push(['agent', session]);
  return keys;
}
