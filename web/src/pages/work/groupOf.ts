import type { AgentSession, WorkItem } from '@/api/types';
import { day } from '@/parts/timewords';

const ATTENTION: Record<string, string> = { blocked: 'Needs you', running: 'Running', waiting: 'Waiting', idle: 'Idle' };

/** The heading of a row: what goes on by what it needs, what is over by the day on which it ended; newest first, by the day it was made. */
export function groupOfWork(item: WorkItem, sort: 'attention' | 'newest', nowMs: number): string {
  if (sort === 'newest') return day(Date.parse(item.created_at), nowMs);
  const going = ATTENTION[item.status];
  if (going) return going === 'Needs you' && !item.needs_you ? 'Blocked' : going;
  return `Over, ${dayOf(item.created_at, nowMs)}`;
}

/** The heading of a session: what goes on, then the day on which it began. */
export function groupOfSession(session: AgentSession, nowMs: number): string {
  if (session.status === 'active') return 'Active';
  if (session.status === 'idle') return 'Idle';
  return `Ended, ${dayOf(session.started_at, nowMs)}`;
}

/** A day inside a heading: names of days keep their capital. */
const dayOf = (at: string, nowMs: number) => day(Date.parse(at), nowMs).replace(/^(Today|Yesterday)$/, (word) => word.toLowerCase());
