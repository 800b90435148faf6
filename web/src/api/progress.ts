/** What an agent says of its progress, put in the rows at once, with no question. */
import type { InfiniteData, QueryClient } from '@tanstack/react-query';

import type { Page, WindlassEvent, WorkItem, WorkJob } from './types';

/** Changes the row of the event's job in every list of work. Whatever is kept under a key of that topic, all of it is pages of rows. */
export function showProgress(queries: QueryClient, event: WindlassEvent): void {
  if (event.kind !== 'job.progress') return;
  const { progress, message, phase } = event.data as { progress?: number; message?: string | null; phase?: string };
  queries.setQueriesData<InfiniteData<Page<WorkItem>>>({ queryKey: ['work'] }, (old) => {
    if (!old) return old;
    const page = old.pages.findIndex((p) => p.items.some((row) => row.job?.id === event.job_id));
    if (page < 0) return old;
    const items = old.pages[page]!.items.map((row) =>
      row.job?.id === event.job_id
        ? {
            ...row,
            job: {
              ...row.job!,
              progress: progress ?? row.job!.progress,
              message: message ?? row.job!.message,
              phase: (phase as WorkJob['phase'] | undefined) ?? row.job!.phase,
            },
          }
        : row,
    );
    return { ...old, pages: old.pages.with(page, { ...old.pages[page]!, items }) };
  });
}
