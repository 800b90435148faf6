import { useQuery } from '@tanstack/react-query';

import { nodes } from '@/api/engine';
import { asProblem } from '@/api/problem';
import { cleanLine } from '@/parts/clean';
import { DataTable } from '@/parts/DataTable';
import { Section } from '@/parts/Section';
import { ProblemAlert, Skeleton } from '@/parts/States';
import { StatusWord } from '@/parts/StatusWord';
import { RelativeTime } from '@/parts/times';

/** The machines that share the work: their roles, what each does for all, and when it was last heard of. */
export function Nodes({ own }: { own: string }) {
  const list = useQuery(nodes);
  return (
    <Section title="Nodes" about="each is one windlass process; a duty is held by one of them at a time">
      {list.isPending ? <Skeleton rows={2} /> : null}
      {list.error && !list.data ? <ProblemAlert problem={asProblem(list.error)} /> : null}
      {list.data ? (
        <DataTable
          label="Nodes"
          columns={[
            { head: 'Machine', width: '18%' },
            { head: 'State', width: '110px' },
            { head: 'Last seen', width: '110px' },
            { head: 'Runs', isRight: true, width: '70px' },
            { head: 'Workers', wraps: true },
            { head: 'Roles', wraps: true },
            { head: 'Duties', wraps: true },
            { head: 'Started', width: '110px' },
            { head: 'Version', width: '80px' },
          ]}
          rows={list.data.items.map((node) => ({
            key: node.id,
            cells: [
              <span key="host" title={`${node.id}, process ${node.pid}`}>
                {cleanLine(node.host)}
                {node.id === own ? ' (this one)' : ''}
              </span>,
              <StatusWord key="state" status={node.gone ? 'lost' : 'active'} />,
              <RelativeTime key="seen" at={node.seen_at} focusable />,
              node.running,
              node.workers.map((worker) => `${cleanLine(worker.name)} ${worker.slots}`).join(', '),
              node.roles.map(cleanLine).join(', '),
              node.duties.map(cleanLine).join(', '),
              <RelativeTime key="started" at={node.started_at} focusable />,
              cleanLine(node.version),
            ],
          }))}
          empty="No node has told of itself yet."
        />
      ) : null}
    </Section>
  );
}
