import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';

import { inbox } from '@/api/queries';
import type { Need } from '@/api/types';
import { Offer } from '@/notices/Offer';
import { ListFrame } from '@/parts/ListFrame';
import { pathOfNeed } from '@/parts/needs';
import { PageHead } from '@/parts/PageHead';
import { SplitPage } from '@/parts/SplitPage';
import { EmptyState } from '@/parts/States';
import { useProject } from '@/shell/project';
import { useTitle } from '@/shell/title';

import { NeedActions } from './NeedActions';
import { NeedPane } from './NeedPane';
import { NeedRow } from './NeedRow';

const NOTHING: Need[] = [];
const keyOf = (need: Need) => need.key;

/** What waits for a person, and only that: each with why, since when, and what to do. */
export default function InboxPage() {
  useTitle('Needs you');
  const [project] = useProject();
  const { row: current } = useSearch({ from: '/inbox' });
  const navigate = useNavigate();
  const list = useQuery(inbox(project));
  const rows = list.data?.items ?? NOTHING;
  const setCurrent = useCallback(
    (row: string | undefined) => void navigate({ to: '/inbox', search: (old) => ({ ...old, row }), replace: true }),
    [navigate],
  );
  const open = (need: Need) => void navigate({ href: pathOfNeed(need) });
  const selected = rows.find((need) => need.key === current);
  return (
    <>
      <PageHead title="Needs you" about="what waits for a person, and nothing else">
        <Offer />
      </PageHead>
      <SplitPage pane={selected ? <NeedPane need={selected} open={() => open(selected)} close={() => setCurrent(undefined)} /> : null}>
        <ListFrame
          label="What needs you"
          rows={rows}
          asking={list}
          rowKey={keyOf}
          hrefOf={pathOfNeed}
          open={open}
          current={current}
          setCurrent={setCurrent}
          renderRow={(need) => <NeedRow need={need} showProject={!project} />}
          after={(need) => <NeedActions need={need} />}
          wraps
          height={84}
          narrowHeight={120}
          empty={
            <EmptyState title="Nothing needs you">What is blocked, refused, spent or cannot run without you would be here.</EmptyState>
          }
        />
      </SplitPage>
    </>
  );
}
