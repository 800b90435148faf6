/** What may be told, in the words of the daemon's own channels. */
import type { components } from '@/api/schema';
import type { NeedKind } from '@/api/types';

export type NoticeKind = components['schemas']['NotificationKind'];
export const NOTICE_KINDS: readonly NoticeKind[] = ['needs_you', 'blocked', 'dead', 'budget', 'breaker'];

export const NOTICE_WORDS: Record<NoticeKind, string> = {
  needs_you: 'everything that needs you',
  blocked: 'blocked work',
  dead: 'dead letters',
  budget: 'spent budgets',
  breaker: 'agents out of order',
};

const OF: Record<NeedKind, NoticeKind | null> = {
  blocked: 'blocked',
  guarded_change: 'blocked',
  secret: 'blocked',
  dead_letter: 'dead',
  budget: 'budget',
  breaker: 'breaker',
  no_worker: null,
  storage: null,
};

/** Whether something in the inbox is told to who chose these kinds. */
export const isChosen = (need: NeedKind, chosen: readonly NoticeKind[]): boolean => {
  const kind = OF[need];
  return chosen.includes('needs_you') || (kind !== null && kind !== undefined && chosen.includes(kind));
};

export const isNoticeKind = (word: unknown): word is NoticeKind => NOTICE_KINDS.some((kind) => kind === word);
