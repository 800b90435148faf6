import { Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';

import { agentMetrics } from '@/api/activity';
import { asProblem } from '@/api/problem';
import { cleanLine } from '@/parts/clean';
import { serverNow } from '@/parts/clock';
import { DataTable } from '@/parts/DataTable';
import { sinceTime } from '@/parts/filters';
import { Scroll, Section } from '@/parts/Section';
import { ErrorState, Skeleton } from '@/parts/States';
import { SINCE } from '@/parts/UrlFields';

import { ToolTable } from './ToolTable';
import { percent } from './steps';

/** How often each tool was used and how that went, over all agents. */
export function Figures({ project, since, setSince }: { project?: string; since?: string; setSince: (since: string | undefined) => void }) {
  // To the minute, so that the question stays the same while one looks.
  const from = sinceTime(since, Math.floor(serverNow() / 60_000) * 60_000);
  const asking = useQuery(agentMetrics({ project, since: from }));
  if (asking.isPending) return <Skeleton rows={8} />;
  if (!asking.data) return <ErrorState problem={asProblem(asking.error)} retry={() => void asking.refetch()} />;
  const { by_tool, by_harness, sessions, active, idle } = asking.data;
  return (
    <Scroll>
      <Section
        title="By tool"
        about={`${sessions} sessions, of which ${active} active and ${idle} idle`}
        actions={
          SINCE.is === 'one' ? (
            <Select aria-label="Since" placeholder="Since ever" data={SINCE.options} value={since ?? null} onChange={(value) => setSince(value ?? undefined)} clearable clearButtonProps={{ 'aria-label': 'Since ever' }} w={160} />
          ) : null
        }
      >
        <ToolTable tools={by_tool} />
      </Section>
      <Section title="By agent">
        <DataTable
          label="By agent"
          columns={[
            { head: 'Agent', width: '30%' },
            { head: 'Sessions', isRight: true, width: '100px' },
            { head: 'Tools used', isRight: true, width: '110px' },
            { head: 'Failed', isRight: true, width: '90px' },
            { head: 'Good', isRight: true, width: '90px' },
              ]}
          rows={by_harness.map((row) => ({
            key: row.harness,
            cells: [cleanLine(row.harness), row.sessions, row.tools_used, row.tools_failed, row.tools_used > 0 && percent(1 - row.tools_failed / row.tools_used)],
          }))}
          empty="No agent has run yet."
        />
      </Section>
    </Scroll>
  );
}
