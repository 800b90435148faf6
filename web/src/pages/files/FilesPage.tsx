import { useQuery } from '@tanstack/react-query';

import { outsideDeadLetters, taskFiles, type FilesStatus } from '@/api/engine';
import { asProblem } from '@/api/problem';
import { useHasTaskFiles } from '@/api/taskFiles';
import { capital } from '@/parts/capital';
import { cleanLine } from '@/parts/clean';
import { DataTable } from '@/parts/DataTable';
import { PageHead } from '@/parts/PageHead';
import { Scroll, Section } from '@/parts/Section';
import { Properties } from '@/parts/SplitPage';
import { EmptyState, ErrorState, Skeleton } from '@/parts/States';
import { RelativeTime } from '@/parts/times';
import { useTitle } from '@/shell/title';

import classes from './files.module.css';
import { latencyInWords } from './latency';

/** The shared directory of task files: its workers, what waits, and what outside executors could not do. */
export default function FilesPage() {
  useTitle('Task files');
  const hasFiles = useHasTaskFiles();
  const asking = useQuery({ ...taskFiles, enabled: hasFiles === true });
  if (hasFiles === false)
    return (
      <>
        <PageHead title="Task files" about="work that comes as files in a shared directory" />
        <EmptyState title="This daemon watches no directory of task files">
          Name one in its configuration file, as <code>root</code> under <code>[files]</code>, or in <code>WINDLASS_SHARED_DIR</code>.
        </EmptyState>
      </>
    );
  if (asking.isPending) return <Skeleton rows={8} />;
  if (!asking.data) return <ErrorState problem={asProblem(asking.error)} retry={() => void asking.refetch()} />;
  return (
    <>
      <PageHead title="Task files" about={<code>{cleanLine(asking.data.root)}</code>} />
      <Scroll>
        <Section title="Directory">
          <div className={classes.inset}>
            <Properties
              of={[
                ['Problem', asking.data.problem && <span className={classes.bad}>{capital(cleanLine(asking.data.problem))}</span>],
                ['Seen by', cleanLine(asking.data.watching)],
                ['To be read', asking.data.waiting > 0 ? `${asking.data.waiting} files` : 'nothing waits'],
                ['Results', asking.data.results_pending > 0 ? `${asking.data.results_pending} could not be written yet; tried again` : 'all written'],
                ['Last look', asking.data.last_rescan_at && <RelativeTime at={asking.data.last_rescan_at} focusable />],
                ['Overflows', asking.data.overflows > 0 && `${asking.data.overflows} times too many events came at once; everything was looked through then`],
              ]}
            />
          </div>
        </Section>
        <Workers workers={asking.data.workers} />
        <DeadLetters />
      </Scroll>
    </>
  );
}

function Workers({ workers }: { workers: FilesStatus['workers'] }) {
  return (
    <Section title="Workers">
      <DataTable
        label="Workers of the directory"
        columns={[
          { head: 'Worker', width: '16%' },
          { head: 'Work is done by', width: '150px' },
          { head: 'Open', isRight: true, width: '70px' },
          { head: 'Taken', isRight: true, width: '70px' },
          { head: 'Refused', isRight: true, width: '80px' },
          { head: 'Results', wraps: true },
          { head: 'Files are seen', wraps: true },
          { head: 'Trouble', wraps: true },
        ]}
        rows={workers.map((worker) => ({
          key: worker.name,
          cells: [
            cleanLine(worker.name),
            worker.mode === 'hybrid' ? `others${worker.outside ? `: ${worker.outside.waiting} wait, ${worker.outside.active} taken` : ''}` : 'Windlass',
            worker.live,
            worker.taken,
            worker.rejected,
            Object.entries(worker.results).map(([status, n]) => `${n} ${cleanLine(status)}`).join(', '),
            latencyInWords(worker.detection),
            worker.degraded && <span className={classes.bad}>{capital(cleanLine(worker.degraded))}</span>,
          ],
        }))}
        empty="No worker has a directory yet."
      />
    </Section>
  );
}

function DeadLetters() {
  const list = useQuery(outsideDeadLetters);
  if (!list.data) return null;
  return (
    <Section title="Dead letters of outside executors">
      <DataTable
        label="Dead letters of outside executors"
        columns={[
          { head: 'Task', width: '24%' },
          { head: 'Tries', isRight: true, width: '70px' },
          { head: 'Died', width: '110px' },
          { head: 'Why', wraps: true },
          { head: 'To run it again', wraps: true },
        ]}
        rows={list.data.items.map((letter) => ({
          key: letter.id,
          cells: [
            <code key="id">{cleanLine(letter.id)}</code>,
            letter.attempts,
            letter.died_at && <RelativeTime key="at" at={letter.died_at} focusable />,
            letter.reason && capital(cleanLine(letter.reason)),
            <code key="replay">{cleanLine(letter.replay)}</code>,
          ],
        }))}
        empty="There are none."
      />
    </Section>
  );
}
