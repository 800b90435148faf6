import type { Housekeeping, HousekeepingRun } from '@/api/engine';
import { bytes } from '@/parts/bytes';
import { span } from '@/parts/timewords';

/** What one round removed, or would: `3 assignments, 1.2 GB of workspaces`. */
export function removedInWords({ removed }: Pick<HousekeepingRun, 'removed'>): string {
  const plural = (n: number, one: string, many: string) => (n === 1 ? `1 ${one}` : `${n} ${many}`);
  const parts = [
    removed.assignments ? plural(removed.assignments, 'assignment', 'assignments') : null,
    removed.events ? plural(removed.events, 'event', 'events') : null,
    removed.transcripts ? `${plural(removed.transcripts, 'transcript', 'transcripts')} (${bytes(removed.transcript_bytes ?? 0)})` : null,
    removed.workspaces ? plural(removed.workspaces, 'workspace', 'workspaces') : null,
    removed.pool_trees ? plural(removed.pool_trees, 'ready tree', 'ready trees') : null,
    removed.workspace_bytes ? `${bytes(removed.workspace_bytes)} of both` : null,
  ].filter((part) => part !== null);
  return parts.length > 0 ? parts.join(', ') : 'nothing';
}

/** What is kept how long, as names and words. */
export function retentionRows(retention: Housekeeping['retention']): { key: string; name: string; value: string }[] {
  const time = (secs: number | null | undefined) => (secs === null || secs === undefined ? 'for ever' : span(secs * 1_000));
  const room = (size: number | null | undefined) => (size === null || size === undefined ? '' : `, all together at most ${bytes(size)}`);
  return [
    { key: 'finished', name: 'Assignments that are over', value: time(retention.finished_secs) },
    { key: 'workspaces', name: 'Their workspaces', value: time(retention.workspaces_secs) + room(retention.workspaces_max_bytes) },
    { key: 'transcripts', name: 'Their transcripts', value: time(retention.transcripts_secs) + room(retention.transcripts_max_bytes) },
    { key: 'events', name: 'Events', value: time(retention.events_secs) },
    { key: 'free', name: 'No new work below', value: `${bytes(retention.min_free_bytes)} of free space` },
    { key: 'interval', name: 'Looked after every', value: time(retention.interval_secs) },
  ];
}
