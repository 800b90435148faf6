import type { ReactNode } from 'react';

import { EmptyState } from '@/parts/States';
import { useTitle } from '@/shell/title';

import { WorkTabs } from './WorkTabs';

/** The place of specs. Nothing follows them yet, and it says so. */
export function SpecsPage() {
  return (
    <LaterPage title="Specs" says="Specs are not followed yet">
      Windlass reads no OpenSpec changes so far. Hand one over as new work: say which folder it stands in.
    </LaterPage>
  );
}

/** The place of failing tests. Nothing collects them yet, and it says so. */
export function ErrorsPage() {
  return (
    <LaterPage title="Errors" says="Failing tests are not collected yet">
      Windlass reads no test reports so far. Hand a failure over as new work, or as an operation with what was printed.
    </LaterPage>
  );
}

function LaterPage({ title, says, children }: { title: string; says: string; children: ReactNode }) {
  useTitle(title);
  return (
    <>
      <h1 className="unseen">{title}</h1>
      <WorkTabs />
      <EmptyState title={says}>{children}</EmptyState>
    </>
  );
}
