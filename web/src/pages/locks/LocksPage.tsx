import { useInfiniteQuery } from '@tanstack/react-query';

import { locks, type FileLock } from '@/api/code';
import { cleanLine } from '@/parts/clean';
import { AssignmentLink } from '@/parts/LinkTo';
import { PaneHead } from '@/parts/PaneHead';
import { PlainListPage } from '@/parts/PlainListPage';
import { usePlainRows, useToAssignment } from '@/parts/plainRows';
import { Row } from '@/parts/Row';
import { Properties } from '@/parts/SplitPage';
import { EmptyState } from '@/parts/States';
import { StatusWord } from '@/parts/StatusWord';
import { RelativeTime } from '@/parts/times';
import { useList } from '@/parts/useList';

const STATUSES = ['held', 'waiting', 'free'];
const keyOf = (lock: FileLock) => `${lock.assignment_id}-${lock.number}`;
const look = (lock: FileLock) => ({
  status: lock.status,
  project: lock.project,
  at: lock.since,
  words: [lock.pattern, lock.assignment_id, lock.waits_for?.holder],
});

/** Files that assignments have to themselves: who holds them and who waits for whom. */
export default function LocksPage() {
  const view = useList(STATUSES);
  const list = usePlainRows(useInfiniteQuery(locks(view.filters.project)), keyOf);
  const toAssignment = useToAssignment();
  return (
    <PlainListPage
      title="Locks"
      about="files that an assignment has to itself while it may change them"
      view={view}
      {...list}
      {...toAssignment}
      look={look}
      renderRow={(lock, showProject) => (
        <Row
          status={<StatusWord status={lock.status} />}
          title={<code>{cleanLine(lock.pattern)}</code>}
          text={inWords(lock)}
          tail={showProject ? cleanLine(lock.project) : ''}
          when={lock.since ? <RelativeTime at={lock.since} /> : null}
        />
      )}
      renderPane={(lock, close) => (
        <>
          <PaneHead status={<StatusWord status={lock.status} />} title={<code>{cleanLine(lock.pattern)}</code>} why={inWords(lock)} close={close} />
          <Properties
            of={[
              ['Project', cleanLine(lock.project)],
              ['Assignment', <AssignmentLink key="assignment" id={lock.assignment_id} />],
              ['Since', lock.since && <RelativeTime key="since" at={lock.since} focusable />],
              ['Waits for', lock.waits_for && <AssignmentLink key="holder" id={lock.waits_for.holder} />],
              ['Which has', lock.waits_for && <code>{cleanLine(lock.waits_for.theirs)}</code>],
              ['Since', lock.waits_for && <RelativeTime key="theirs" at={lock.waits_for.since} focusable />],
              ['Asked for', lock.touched ? 'by nobody: its agent changed this file' : 'by the assignment'],
            ]}
          />
        </>
      )}
      empty={
        <EmptyState title="No files are locked">
          An assignment asks for them: <code>windlass run --lock src/ …</code>, or an agent locks what it changes.
        </EmptyState>
      }
    />
  );
}

function inWords(lock: FileLock): string {
  if (lock.waits_for) return `waits for ${cleanLine(lock.waits_for.theirs)}, which ${lock.waits_for.holder} has`;
  if (lock.status === 'held') return lock.touched ? `held by ${lock.assignment_id}: its agent changed it` : `held by ${lock.assignment_id}`;
  return `${lock.assignment_id} takes it when its next job starts`;
}
