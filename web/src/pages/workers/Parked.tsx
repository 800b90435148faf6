import { unpark, type HarnessPark } from '@/api/engine';
import { ActButton } from '@/parts/ActButton';
import { capital } from '@/parts/capital';
import { cleanLine } from '@/parts/clean';
import { DataTable } from '@/parts/DataTable';
import { Section } from '@/parts/Section';
import { StatusWord } from '@/parts/StatusWord';
import { Until } from '@/parts/times';
import { useRefusal } from '@/shell/may';

/** Agents whose quota is spent, until when, and the way to use them again before that. */
export function Parked({ parks }: { parks: HarnessPark[] }) {
  const refusal = useRefusal('operate');
  return (
    <Section title="Parked agents" about="their provider’s quota is spent; their jobs wait and cost no retry">
      <DataTable
        label="Parked agents"
        columns={[
          { head: 'Agent', width: '18%' },
          { head: 'State', width: '110px' },
          { head: 'Goes on', width: '200px' },
          { head: 'Why', wraps: true },
          { head: 'What can be done', acts: true, isRight: true, width: '130px' },
        ]}
        rows={parks.map((park) => ({
          key: park.harness,
          cells: [
            park.harness,
            <StatusWord key="status" status="parked" />,
            <Until key="until" at={park.until} />,
            capital(cleanLine(park.reason)),
            <ActButton
              key="unpark"
              done={`${park.harness} is used again`}
              act={() => unpark(park.harness)}
              refused={refusal}
              confirm={{ question: `Use ${park.harness} again now? Where its quota is still spent it is parked anew.`, yes: 'Use it' }}
            >
              Unpark…
            </ActButton>,
          ],
        }))}
        empty="None is parked."
      />
    </Section>
  );
}
