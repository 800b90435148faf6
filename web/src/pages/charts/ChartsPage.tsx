import { SegmentedControl } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useCallback, useMemo } from 'react';

import { charts } from '@/api/charts';
import { asProblem } from '@/api/problem';
import { cleanLine } from '@/parts/clean';
import { serverNow, useTimeText } from '@/parts/clock';
import { PageHead } from '@/parts/PageHead';
import { Nothing, Scroll } from '@/parts/Section';
import { ErrorState, Skeleton } from '@/parts/States';
import { useUrl } from '@/parts/useUrl';
import { useTitle } from '@/shell/title';

import { DurationChart } from './DurationChart';
import { isSpan, rangeOf, SPANS, tooLittle, totalOf, type Span } from './series';
import { CostTable, FailureTable } from './Shares';
import { ThroughputChart } from './ThroughputChart';

/** How much gets done, how long it takes, what it costs and what goes wrong. */
export default function ChartsPage() {
  useTitle('Charts');
  const [{ since, project }, change] = useUrl<{ since?: string; project?: string }>();
  const chosen: Span = isSpan(since) ? since : '7d';
  // The charts move on with the hour.
  const hour = useTimeText((now) => String(Math.floor(now / 3_600_000)));
  const { starts, ...range } = useMemo(() => rangeOf(chosen, hour ? serverNow() : 0), [chosen, hour]);
  const asking = useQuery(charts({ project, ...range }));
  const nameOf = useCallback(
    (start: number) =>
      range.bucket === 'hour'
        ? new Date(start).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })
        : new Date(start).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' }),
    [range.bucket],
  );
  const little = asking.data ? tooLittle(asking.data.throughput.filter((row) => totalOf(row) > 0), range.bucket) : null;
  // The daemon counts by its days; hours are the same everywhere.
  const when = range.bucket === 'day' ? 'Day (UTC)' : 'Hour';
  return (
    <>
      <PageHead title="Charts" about={`${project ? cleanLine(project) : 'all projects'}${range.bucket === 'day' ? ', days are those of UTC' : ''}`}>
        <SegmentedControl
          size="xs"
          aria-label="Time"
          data={Object.entries(SPANS).map(([value, { label }]) => ({ value, label: label.replace('Last ', '') }))}
          value={chosen}
          onChange={(value) => change({ since: value === '7d' ? undefined : value })}
        />
      </PageHead>
      {asking.isPending ? <Skeleton rows={12} /> : null}
      {asking.error && !asking.data ? <ErrorState problem={asProblem(asking.error)} retry={() => void asking.refetch()} /> : null}
      {asking.data ? (
        <Scroll>
          {little ? <Nothing>{little}</Nothing> : null}
          <ThroughputChart rows={asking.data.throughput} starts={starts} when={when} nameOf={nameOf} />
          <DurationChart rows={asking.data.durations} starts={starts} when={when} nameOf={nameOf} />
          <CostTable rows={asking.data.cost} />
          <FailureTable rows={asking.data.failures} />
        </Scroll>
      ) : null}
    </>
  );
}
