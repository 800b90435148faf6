/** Figures over time. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query';

import { answer, client } from './client';

export const charts = (query: { project?: string; since: string; until: string; bucket: 'hour' | 'day' }) =>
  queryOptions({
    // A new end of the same span is the same question.
    queryKey: ['charts', query.project, query.since, query.bucket],
    queryFn: ({ signal }) => answer(client.GET('/api/v1/charts', { params: { query }, signal })),
    placeholderData: keepPreviousData,
  });
