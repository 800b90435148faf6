import { useInfiniteQuery } from '@tanstack/react-query';
import { useCallback, useMemo } from 'react';

import { audit, type AuditAsked } from '@/api/people';
import type { AuditEntry } from '@/api/types';
import { cleanLine } from '@/parts/clean';
import { serverNow, useTimeText } from '@/parts/clock';
import { ListFrame } from '@/parts/ListFrame';
import { AssignmentLink } from '@/parts/LinkTo';
import { PageHead } from '@/parts/PageHead';
import { PaneHead } from '@/parts/PaneHead';
import { Row } from '@/parts/Row';
import { rowsOf } from '@/parts/rowsOf';
import { Properties, SplitPage } from '@/parts/SplitPage';
import { EmptyState } from '@/parts/States';
import { RelativeTime } from '@/parts/times';
import { day } from '@/parts/timewords';
import { SINCE, UrlFields, type UrlField } from '@/parts/UrlFields';
import { useUrl } from '@/parts/useUrl';
import { useRefusal } from '@/shell/may';
import { useTitle } from '@/shell/title';

import { actionInWords, assignmentOf, outcome, VIA } from './words';
import classes from './audit.module.css';

const FIELDS: UrlField[] = [
  { is: 'text', key: 'who', label: 'Who' },
  { is: 'text', key: 'action', label: 'What, as cancel_job' },
  SINCE,
];
const keyOf = (entry: AuditEntry) => entry.id;

/** Who did what, by what right, and how it was answered. */
export default function AuditPage() {
  useTitle('Audit');
  const refusal = useRefusal('admin');
  const [search, change] = useUrl<AuditAsked & { row?: string }>();
  const { who, action, since, until, row: current } = search;
  const list = useInfiniteQuery({ ...audit({ who, action, since, until }), enabled: refusal === null });
  const rows = useMemo(() => rowsOf(list.data, keyOf), [list.data]);
  const today = useTimeText((now) => new Date(now).toDateString());
  const groupOf = useCallback((entry: AuditEntry) => (today ? day(Date.parse(entry.at), serverNow()) : ''), [today]);
  const selected = rows.find((entry) => entry.id === current);
  const setCurrent = (row: string | undefined) => change({ row });
  if (refusal)
    return (
      <>
        <PageHead title="Audit" about="who did what" />
        <EmptyState title="This is for admins">{refusal}</EmptyState>
      </>
    );
  return (
    <>
      <PageHead title="Audit" about="who did what, by what right, and how it was answered" />
      <UrlFields fields={FIELDS} search={search as Record<string, string | undefined>} change={change} />
      <SplitPage pane={selected ? <Pane entry={selected} close={() => setCurrent(undefined)} /> : null} onPhone>
        <ListFrame
          label="Audit"
          rows={rows}
          asking={list}
          rowKey={keyOf}
          groupOf={groupOf}
          current={current}
          setCurrent={setCurrent}
          renderRow={(entry) => (
            <Row
              status={<Outcome status={entry.status} />}
              title={cleanLine(entry.who)}
              text={
                <>
                  <b className={classes.does}>{actionInWords(entry.action)}</b> <code>{cleanLine(entry.path.replace('/api/v1/', ''))}</code>
                </>
              }
              tail={VIA[entry.via] ?? entry.via}
              when={<RelativeTime at={entry.at} />}
            />
          )}
          empty={
            who || action || since || until ? (
              <EmptyState title="Nothing passes this filter">Change it, or clear it.</EmptyState>
            ) : (
              <EmptyState title="Nothing is logged yet">Whatever changes something is written down here, and what was refused.</EmptyState>
            )
          }
        />
      </SplitPage>
    </>
  );
}

function Outcome({ status }: { status: number }) {
  const { word, tone } = outcome(status);
  return <span className={classes[tone]}>{word}</span>;
}

function Pane({ entry, close }: { entry: AuditEntry; close: () => void }) {
  return (
    <>
      <PaneHead status={<Outcome status={entry.status} />} title={cleanLine(entry.who)} why={actionInWords(entry.action)} close={close} />
      <Properties
        of={[
          ['At', <RelativeTime key="at" at={entry.at} focusable />],
          ['By', VIA[entry.via] ?? entry.via],
          ['From', cleanLine(entry.peer)],
          ['On', assignmentOf(entry.path) && <AssignmentLink id={assignmentOf(entry.path)!} />],
          ['Request', <code key="path">{cleanLine(`${entry.method} ${entry.path}`)}</code>],
          ['Answer', entry.status],
          ['Action', <code key="action">{cleanLine(entry.action)}</code>],
        ]}
      />
    </>
  );
}
