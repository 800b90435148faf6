import { Group } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';

import { branches, markMerged, releaseBranch, type Branch } from '@/api/code';
import { ActButton } from '@/parts/ActButton';
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
import { useRefusal } from '@/shell/may';

const STATUSES = ['active', 'merging', 'merged'];
const keyOf = (branch: Branch) => branch.assignment_id;
const look = (branch: Branch) => ({
  status: branch.status,
  project: branch.project,
  at: branch.created_at,
  words: [branch.name, branch.base, branch.assignment_id, branch.head],
});
const short = (commit: string) => cleanLine(commit).slice(0, 12);

/** Branches that work is delivered on, and how far each is. */
export default function BranchesPage() {
  const view = useList(STATUSES);
  const list = usePlainRows(useInfiniteQuery(branches(view.filters.project)), keyOf);
  const toAssignment = useToAssignment();
  return (
    <PlainListPage
      title="Branches"
      about="what work is delivered on; work that would clash with another of them is told before it is pushed"
      view={view}
      {...list}
      {...toAssignment}
      look={look}
      renderRow={(branch, showProject) => (
        <Row
          status={<StatusWord status={branch.status} />}
          title={<code>{cleanLine(branch.name)}</code>}
          text={`into ${cleanLine(branch.base)}${branch.head ? `, at ${short(branch.head)}` : ', nothing pushed yet'}`}
          tail={showProject ? cleanLine(branch.project) : ''}
          when={<RelativeTime at={branch.updated_at} />}
          isOver={branch.status === 'merged'}
        />
      )}
      renderPane={(branch, close) => (
        <>
          <PaneHead status={<StatusWord status={branch.status} />} title={<code>{cleanLine(branch.name)}</code>} close={close} />
          <Actions branch={branch} />
          <Properties
            of={[
              ['Into', <code key="base">{cleanLine(branch.base)}</code>],
              ['Project', cleanLine(branch.project)],
              ['Assignment', <AssignmentLink key="assignment" id={branch.assignment_id} />],
              ['Pushed', branch.head && <code key="head">{cleanLine(branch.head)}</code>],
              ['To be pushed', branch.declared && branch.declared !== branch.head && <code key="declared">{cleanLine(branch.declared)}</code>],
              ['Changed', <RelativeTime key="changed" at={branch.updated_at} focusable />],
              ['Registered', <RelativeTime key="made" at={branch.created_at} focusable />],
            ]}
          />
        </>
      )}
      empty={<EmptyState title="No branches are registered">The first push of an assignment’s work registers its branch.</EmptyState>}
    />
  );
}

function Actions({ branch }: { branch: Branch }) {
  const refusal = useRefusal('operate');
  return (
    <Group gap={6} mt="xs">
      {branch.status === 'merged' ? null : (
        <ActButton
          done="Said to be merged"
          act={() => markMerged(branch.assignment_id)}
          refused={refusal}
          confirm={{ question: `Say that ${cleanLine(branch.name)} was merged into ${cleanLine(branch.base)}? Other work then need not merge with it any more.`, yes: 'It is merged' }}
        >
          It was merged…
        </ActButton>
      )}
      <ActButton
        done="Released"
        act={() => releaseBranch(branch.assignment_id)}
        refused={refusal}
        confirm={{ question: 'Take it out of the register? The branch itself stays; other work is no longer kept from clashing with it.', yes: 'Release it' }}
      >
        Release…
      </ActButton>
    </Group>
  );
}
