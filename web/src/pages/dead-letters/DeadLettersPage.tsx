import { Button, Checkbox } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useMemo, useState } from 'react';

import { deadLetters, type DeadLetter, type ReplayWhat } from '@/api/runs';
import { cleanLine } from '@/parts/clean';
import { serverNow, useTimeText } from '@/parts/clock';
import { RefusedButton } from '@/parts/ConfirmButton';
import { ListFrame } from '@/parts/ListFrame';
import { PageHead } from '@/parts/PageHead';
import { rowsOf } from '@/parts/rowsOf';
import { SplitPage } from '@/parts/SplitPage';
import { EmptyState } from '@/parts/States';
import { day } from '@/parts/timewords';
import { late } from '@/shell/late';
import { useRefusal } from '@/shell/may';
import { keepProject, useProject } from '@/shell/project';
import { useShortcuts } from '@/shell/shortcuts';
import { useTitle } from '@/shell/title';

import classes from './DeadLetters.module.css';
import { DeadLetterFiltersBar } from './DeadLetterFilters';
import { DeadLetterPane } from './DeadLetterPane';
import { DeadLetterRow } from './DeadLetterRow';
import { isNarrowed } from './search';

const ReplayDialog = late(() => import('./ReplayDialog'));
const keyOf = (letter: DeadLetter) => letter.id;
const hrefOf = (letter: DeadLetter) => `/jobs/${letter.id}`;

interface Replaying {
  what: ReplayWhat;
  edit?: string;
}

/** Jobs out of tries: why each died, and a way to run one, some or all of them again. */
export default function DeadLettersPage() {
  useTitle('Dead letters');
  const [project] = useProject();
  const { row: current, worker, harness, failure, since } = useSearch({ from: '/dead-letters' });
  const filters = useMemo(() => ({ project, worker, harness, failure, since }), [project, worker, harness, failure, since]);
  const navigate = useNavigate();
  const list = useInfiniteQuery(deadLetters(filters));
  const rows = useMemo(() => rowsOf(list.data, keyOf), [list.data]);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [replaying, setReplaying] = useState<Replaying | null>(null);
  const refusal = useRefusal('operate');
  const today = useTimeText((now) => new Date(now).toDateString());
  const groupOf = useCallback((letter: DeadLetter) => (today ? day(Date.parse(letter.died_at ?? letter.created_at), serverNow()) : ''), [today]);
  const setCurrent = useCallback(
    (row: string | undefined) => void navigate({ to: '/dead-letters', search: (old) => ({ ...old, row }), replace: true }),
    [navigate],
  );
  const open = (letter: DeadLetter) => void navigate({ to: '/jobs/$id', params: { id: letter.id }, search: keepProject });
  const flip = (id: string) =>
    setChosen((old) => {
      const next = new Set(old);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  useShortcuts([
    { keys: 'x', does: 'Choose the row, or not', run: () => current && flip(current) },
    { keys: 'r', does: 'Replay what is chosen, or the row', run: () => refusal === null && replaySome() },
  ]);
  // Only what is still there and shown is replayed.
  const ids = rows.filter((row) => chosen.has(row.id)).map((row) => row.id);
  const selected = rows.find((row) => row.id === current);
  const replaySome = () => {
    const some = ids.length > 0 ? ids : selected ? [selected.id] : [];
    if (some.length > 0) setReplaying({ what: { ids: some } });
  };
  const areAllShown = ids.length === rows.length && rows.length > 0;
  const more = list.hasNextPage ? '+' : '';
  const button = (word: string, run: () => void, isMain = false) =>
    refusal ? (
      <RefusedButton reason={refusal}>{word}</RefusedButton>
    ) : (
      <Button variant={isMain ? 'filled' : 'default'} onClick={run}>
        {word}
      </Button>
    );
  return (
    <>
      <PageHead title="Dead letters" about="jobs out of tries, kept whole until somebody runs them again" />
      <DeadLetterFiltersBar filters={filters} />
      {rows.length > 0 ? (
        <div className={classes.chosen}>
          <Checkbox
            size="xs"
            label={ids.length > 0 ? `${ids.length} chosen` : 'Choose all shown'}
            checked={areAllShown}
            indeterminate={ids.length > 0 && !areAllShown}
            onChange={() => setChosen(ids.length > 0 ? new Set() : new Set(rows.map(keyOf)))}
          />
          {ids.length > 0 ? button(`Replay ${ids.length}…`, () => setReplaying({ what: { ids } }), true) : null}
          {ids.length === 0 ? button(`Replay all ${rows.length}${more}…`, () => setReplaying({ what: { all: filters } })) : null}
        </div>
      ) : null}
      <SplitPage
        pane={
          selected ? (
            <DeadLetterPane
              letter={selected}
              close={() => setCurrent(undefined)}
              replay={() => setReplaying({ what: { ids: [selected.id] } })}
              edit={() => setReplaying({ what: { ids: [selected.id] }, edit: selected.id })}
            />
          ) : null
        }
      >
        <ListFrame
          label="Dead letters"
          rows={rows}
          asking={list}
          rowKey={keyOf}
          groupOf={groupOf}
          hrefOf={hrefOf}
          open={open}
          current={current}
          setCurrent={setCurrent}
          before={(letter) => (
            <Checkbox size="xs" aria-label={`Choose ${cleanLine(letter.reason)}`} checked={chosen.has(letter.id)} onChange={() => flip(letter.id)} />
          )}
          renderRow={(letter) => <DeadLetterRow letter={letter} showProject={!project} />}
          empty={
            isNarrowed(filters) ? (
              <EmptyState title="No dead letter passes this filter">Change it, or clear it.</EmptyState>
            ) : (
              <EmptyState title="No dead letters">A job that fails until its tries are spent would be here.</EmptyState>
            )
          }
        />
      </SplitPage>
      {replaying ? (
        <ReplayDialog
          {...replaying}
          close={(done) => {
            setReplaying(null);
            if (done) setChosen(new Set());
          }}
        />
      ) : null}
    </>
  );
}
