import { Button } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

import { operations, type Operation } from '@/api/operations';
import { cleanLine } from '@/parts/clean';
import { PlainListPage } from '@/parts/PlainListPage';
import { usePlainRows } from '@/parts/plainRows';
import { Row } from '@/parts/Row';
import { EmptyState } from '@/parts/States';
import { StatusWord } from '@/parts/StatusWord';
import { Elapsed, RelativeTime } from '@/parts/times';
import { day } from '@/parts/timewords';
import { useList } from '@/parts/useList';
import { Why } from '@/parts/Why';
import { late } from '@/shell/late';
import { keepProject } from '@/shell/project';

import { OperationPane } from './OperationPane';
import { operationInWords, TYPE_WORDS } from './words';

const SubmitDialog = late(() => import('./SubmitDialog'));

const STATUSES = ['running', 'queued', 'blocked', 'succeeded', 'failed', 'cancelled'];
const keyOf = (operation: Operation) => operation.id;
const look = (operation: Operation) => ({
  status: operation.status,
  project: operation.project,
  at: operation.createdAt,
  words: [operation.description, operation.organizationId, operation.sessionId, operation.id, TYPE_WORDS[operation.operationType], operation.branch],
});
const groupOf = (operation: Operation, nowMs: number) => day(Date.parse(operation.createdAt), nowMs);

/** What services ask for as code operations. */
export default function OperationsPage() {
  const view = useList(STATUSES);
  const navigate = useNavigate();
  const [isNew, setNew] = useState(false);
  const list = usePlainRows(useInfiniteQuery(operations({})), keyOf);
  const open = (operation: Operation) =>
    void navigate({ to: '/operations/$id', params: { id: operation.id }, search: keepProject });
  return (
    <>
      <PlainListPage
        title="Operations"
        about="what services ask for, and what came of it"
        actions={<Button onClick={() => setNew(true)}>New operation…</Button>}
        view={view}
        {...list}
        look={look}
        groupOf={groupOf}
        open={open}
        hrefOf={(operation) => `/operations/${operation.id}`}
        renderRow={(operation, showProject) => {
          const isOver = Boolean(operation.endedAt);
          return (
            <Row
              status={<StatusWord status={operation.status} />}
              title={cleanLine(operation.description)}
              text={<Why summary={operationInWords(operation)} until={isOver ? null : operation.hold?.until} />}
              tail={[TYPE_WORDS[operation.operationType], showProject && cleanLine(operation.project)].filter(Boolean).join(' · ')}
              when={isOver || operation.status !== 'running' ? <RelativeTime at={operation.endedAt ?? operation.updatedAt} /> : <Elapsed from={operation.createdAt} to={null} short />}
              isOver={isOver}
            />
          );
        }}
        renderPane={(operation, close) => <OperationPane operation={operation} open={() => open(operation)} close={close} />}
        empty={
          <EmptyState title="No operations yet">
            A service asks for one by <code>POST /api/v1/code-operations</code>, a person by the button above or <code>windlass op</code>.
          </EmptyState>
        }
      />
      {isNew ? <SubmitDialog close={() => setNew(false)} /> : null}
    </>
  );
}
