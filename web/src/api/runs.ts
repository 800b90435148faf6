/** Questions and commands about one assignment, one job, one attempt, and about dead letters. */
import { queryOptions, type QueryClient } from '@tanstack/react-query';

import { serverNow } from '@/parts/clock';
import { sinceTime } from '@/parts/filters';

import { answer, client } from './client';
import { pages, PAGE_SIZE } from './queries';
import type { components } from './schema';
import type { Budget, WindlassEvent } from './types';

type Schemas = components['schemas'];
export type AttemptDetail = Schemas['AttemptDetail'];
export type DeadLetter = Schemas['DeadLetter'];
export type DeadLetterDetail = Schemas['DeadLetterDetail'];
export type Diff = Schemas['Diff'];
export type Evidence = Schemas['Evidence'];
export type Failure = Schemas['Failure'];
export type FailureKind = Schemas['FailureKind'];
export type Finding = Schemas['Finding'];
export type JobSpec = Schemas['JobSpec'];
export type Replayed = Schemas['Replayed'];
export type RetryJob = Schemas['RetryJob'];
export type StageRecord = Schemas['StageRecord'];
export type TranscriptItem = Schemas['TranscriptItem'];
export type TranscriptPage = Schemas['TranscriptPage'];
export type VerdictRecord = Schemas['VerdictRecord'];
type UpdateAssignment = Schemas['UpdateAssignment'];
type ReplayAsked = Schemas['ReplayAsked'];

const path = (id: string) => ({ params: { path: { id } } });

/** What a job does or why it waits. Its key begins with its assignment's, so that whatever happens there asks again. */
export const explanation = (assignment: string, job: string) =>
  queryOptions({
    queryKey: ['assignment', assignment, 'explain', job],
    queryFn: ({ signal }) => answer(client.GET('/api/v1/jobs/{id}/explain', { ...path(job), signal })),
  });

/** What the branch changes. It is asked for again when its head is another one, not at every event. */
export const diff = (assignment: string, head: string | null | undefined) =>
  queryOptions({
    queryKey: ['diff', assignment, head ?? null],
    queryFn: ({ signal }) => answer(client.GET('/api/v1/assignments/{id}/diff', { ...path(assignment), signal })),
  });

/** What looks like secrets in an assignment's work. */
export const findingsOf = (assignment: string) =>
  queryOptions({
    queryKey: ['findings', assignment],
    queryFn: ({ signal }) => answer(client.GET('/api/v1/findings', { params: { query: { assignment, limit: PAGE_SIZE } }, signal })),
  });

/** How many events a timeline keeps: an assignment seldom has a hundred. */
const TIMELINE_MAX = 5_000;

/** Everything that happened to an assignment, the oldest first. Asked again, it asks only for what is new. */
export const timeline = (queries: QueryClient, assignment: string) => {
  const queryKey = ['assignment', assignment, 'timeline'];
  return queryOptions({
    queryKey,
    queryFn: async ({ signal }) => {
      const events = [...(queries.getQueryData<WindlassEvent[]>(queryKey) ?? [])];
      for (;;) {
        const query = { assignment, after: events.at(-1)?.seq ?? 0, limit: 500 };
        const page = (await answer(
          client.GET('/api/v1/events', { params: { query }, headers: { accept: 'application/json' }, signal }),
        )) as { items: WindlassEvent[]; next_cursor?: string | null };
        events.push(...page.items);
        if (!page.next_cursor || page.items.length === 0 || events.length >= TIMELINE_MAX) return events;
      }
    },
  });
};

/** Dead letters that pass a filter. */
export interface DeadLetterFilters {
  project?: string;
  worker?: string;
  harness?: Schemas['Harness'];
  failure?: FailureKind;
  /** A day, or a time back from now (`24h`, `7d`). */
  since?: string;
}
const asked = ({ since, ...filters }: DeadLetterFilters) => ({ ...filters, since: sinceTime(since, serverNow()) });

export const deadLetters = (filters: DeadLetterFilters) =>
  pages(['dead-letters', filters] as const, (cursor, signal) =>
    answer(client.GET('/api/v1/dead-letters', { params: { query: { ...asked(filters), cursor, limit: PAGE_SIZE } }, signal })),
  );

/** A dead letter whole. */
export const deadLetter = (job: string) =>
  queryOptions({
    queryKey: ['job', job, 'dead-letter'],
    queryFn: ({ signal }) => answer(client.GET('/api/v1/dead-letters/{id}', { ...path(job), signal })),
  });

/** Which job an attempt belongs to. */
export const attempt = (id: string) =>
  queryOptions({
    queryKey: ['attempt', id],
    queryFn: ({ signal }) => answer(client.GET('/api/v1/attempts/{id}', { ...path(id), signal })),
    retry: false,
  });

/** Records of a transcript from a number on; with `wait`, held by the daemon until there is one. */
export const transcriptFrom = (id: string, from: number, wait: boolean, signal?: AbortSignal): Promise<TranscriptPage> =>
  answer(
    client.GET('/api/v1/attempts/{id}/transcript', {
      params: { path: { id }, query: { from, limit: 500, ...(wait ? { wait_secs: 25 } : {}) } },
      signal,
    }),
  );

/** The last records of a transcript. */
export const transcriptTail = (id: string, signal?: AbortSignal): Promise<TranscriptPage> =>
  answer(client.GET('/api/v1/attempts/{id}/transcript', { params: { path: { id }, query: { tail: 500 } }, signal }));

export const updateAssignment = (id: string, body: UpdateAssignment) =>
  answer(client.PATCH('/api/v1/assignments/{id}', { ...path(id), body }));
export const completeAssignment = (id: string) => updateAssignment(id, { status: 'complete' });
export const blockAssignment = (id: string, block: { owner: string; reason: string; action: string }) =>
  updateAssignment(id, { status: 'blocked', ...block });
export const changeBudget = (id: string, budget: Budget) => updateAssignment(id, { budget });
export const insertJob = (id: string, spec: JobSpec, after: string | null) =>
  answer(client.POST('/api/v1/assignments/{id}/jobs', { ...path(id), body: { jobs: [spec], after } }));
export const cleanUp = (id: string, bundle: boolean) =>
  answer(client.POST('/api/v1/assignments/{id}/clean-up', { ...path(id), body: { bundle } }));
/** With the same key a message that is sent again is still one. */
export const sendMessage = (id: string, text: string, key: string) =>
  answer(client.POST('/api/v1/assignments/{id}/messages', { ...path(id), body: { text, key } }));

/** What is replayed: some by their ids, or all that pass a filter, page by page. */
export type ReplayWhat = { ids: string[] } | { all: DeadLetterFilters };

/** At most so many jobs in one request. */
const REPLAY_PAGE = 500;

/** Replays, or only says what would be; follows the pages of a filter to their end. */
export async function replay(what: ReplayWhat, edit: RetryJob, dryRun: boolean, key: string): Promise<Replayed[]> {
  const done: Replayed[] = [];
  const send = async (which: Pick<ReplayAsked, 'ids' | 'all'>) => {
    // With its key, a request that is sent again replays nothing twice.
    const body = { ...which, edit, dry_run: dryRun, key: dryRun ? null : key };
    const page = await answer(client.POST('/api/v1/dead-letters/replay', { body }));
    done.push(...page.items);
    return page.next_cursor ?? null;
  };
  if ('ids' in what) {
    for (let from = 0; from < what.ids.length; from += REPLAY_PAGE) await send({ ids: what.ids.slice(from, from + REPLAY_PAGE) });
    return done;
  }
  const all = asked(what.all);
  let cursor: string | null = null;
  do cursor = await send({ all: { ...all, cursor } });
  while (cursor !== null);
  return done;
}
