import { useQuery } from '@tanstack/react-query';

import { breakers, closeBreaker, type Breaker } from '@/api/engine';
import { asProblem } from '@/api/problem';
import { ActButton } from '@/parts/ActButton';
import { capital } from '@/parts/capital';
import { cleanLine } from '@/parts/clean';
import { DataTable } from '@/parts/DataTable';
import { stopped } from '@/parts/sentences';
import { Section } from '@/parts/Section';
import { ProblemAlert, Skeleton } from '@/parts/States';
import { StatusWord } from '@/parts/StatusWord';
import { RelativeTime, Until } from '@/parts/times';
import { useRefusal } from '@/shell/may';

/** One breaker for each agent and account: open after failures of its backend in a row, then tried by one job. */
export function Breakers() {
  const refusal = useRefusal('operate');
  const list = useQuery(breakers);
  return (
    <Section title="Breakers" about="an agent whose backend failed again and again is left alone for a while">
      {list.isPending ? <Skeleton rows={2} /> : null}
      {list.error && !list.data ? <ProblemAlert problem={asProblem(list.error)} /> : null}
      {list.data ? (
        <DataTable
          label="Breakers"
          columns={[
            { head: 'Agent and account', width: '18%' },
            { head: 'State', width: '110px' },
            { head: 'In a row', isRight: true, width: '80px' },
            { head: 'Changed', width: '120px' },
            { head: 'Why', wraps: true },
            { head: 'What can be done', acts: true, isRight: true, width: '130px' },
          ]}
          rows={list.data.items.map((breaker) => ({
            key: breaker.id,
            cells: [
              cleanLine(breaker.id),
              <StatusWord key="status" status={breaker.status} />,
              breaker.failures > 0 && breaker.failures,
              breaker.changed_at && <RelativeTime key="changed" at={breaker.changed_at} focusable />,
              <Why key="why" breaker={breaker} />,
              breaker.status === 'closed' ? null : (
                <ActButton
                  key="close"
                  done={`The breaker of ${cleanLine(breaker.id)} is closed`}
                  act={() => closeBreaker(breaker)}
                  refused={refusal}
                  confirm={{ question: 'Let its jobs start again now? Where its backend still fails it opens anew.', yes: 'Close it' }}
                >
                  Close…
                </ActButton>
              ),
            ],
          }))}
          empty="No agent has failed yet, so there is none."
        />
      ) : null}
    </Section>
  );
}

function Why({ breaker }: { breaker: Breaker }) {
  if (breaker.status === 'closed') return <>{breaker.failure ? `Its jobs start as usual. The last failure: ${cleanLine(breaker.failure.message)}` : 'Its jobs start as usual. No failure so far.'}</>;
  return (
    <>
      {stopped(breaker.failure ? capital(cleanLine(breaker.failure.message)) : 'Its backend failed.')}
      {breaker.status === 'half_open' ? ' One job tries it now.' : null}
      {breaker.open_until ? (
        <>
          {' '}
          Tried again <Until at={breaker.open_until} happens />.
        </>
      ) : null}
    </>
  );
}
