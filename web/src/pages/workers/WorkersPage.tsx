import { useQuery } from '@tanstack/react-query';

import { pause, resume } from '@/api/commands';
import { workers } from '@/api/engine';
import { asProblem } from '@/api/problem';
import { ActButton } from '@/parts/ActButton';
import { cleanLine } from '@/parts/clean';
import { PageHead } from '@/parts/PageHead';
import { Scroll } from '@/parts/Section';
import { ErrorState, Skeleton } from '@/parts/States';
import { useRefusal } from '@/shell/may';
import { useTitle } from '@/shell/title';

import { Breakers } from './Breakers';
import { Machine } from './Machine';
import { Nodes } from './Nodes';
import { Parked } from './Parked';
import { Queues } from './Queues';

/** What does the work: workers and what waits for them, agents that are out of order, nodes, and what is installed. */
export default function WorkersPage() {
  useTitle('Workers and queues');
  const refusal = useRefusal('operate');
  const status = useQuery(workers);
  if (status.isPending) return <Skeleton rows={12} />;
  if (!status.data) return <ErrorState problem={asProblem(status.error)} retry={() => void status.refetch()} />;
  const { data } = status;
  return (
    <>
      <PageHead title="Workers and queues" about={`Windlass ${cleanLine(data.version)} on ${cleanLine(data.store)}`}>
        {data.paused ? (
          <ActButton variant="filled" done="Jobs start again" act={resume} refused={refusal}>
            Resume everything
          </ActButton>
        ) : (
          <ActButton done="Paused: what runs goes on" act={pause} refused={refusal}>
            Pause everything
          </ActButton>
        )}
      </PageHead>
      <Scroll>
        <Queues status={data} />
        <Parked parks={data.harness_parks} />
        <Breakers />
        <Nodes own={data.node} />
        <Machine level={data.isolation} />
      </Scroll>
    </>
  );
}
