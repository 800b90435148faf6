import { PageHead } from '@/parts/PageHead';
import { EmptyState } from '@/parts/States';
import { useTitle } from '@/shell/title';

/** The place of deployments. Nothing watches them yet, and it says so. */
export default function DeploymentsPage() {
  useTitle('Deployments');
  return (
    <>
      <PageHead title="Deployments" about="what became of merged work" />
      <EmptyState title="Deployments are not watched yet">
        Windlass follows work to its pull request and merge, and no further so far. Whether it is live is for your deployment’s own page to say.
      </EmptyState>
    </>
  );
}
