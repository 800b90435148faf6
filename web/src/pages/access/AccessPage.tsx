import { PageHead } from '@/parts/PageHead';
import { Scroll } from '@/parts/Section';
import { EmptyState } from '@/parts/States';
import { useRefusal } from '@/shell/may';
import { useTitle } from '@/shell/title';

import { People } from './People';
import { SignIns } from './SignIns';
import { Tokens } from './Tokens';

/** Who and what may come in: tokens of programs, people with their roles, and the browsers that are signed in. */
export default function AccessPage() {
  useTitle('Tokens and users');
  const refusal = useRefusal('admin');
  return (
    <>
      <PageHead title="Tokens and users" about="who and what may come in" />
      <Scroll>
        {refusal ? null : (
          <>
            <Tokens />
            <People />
          </>
        )}
        <SignIns />
        {refusal ? <EmptyState title="Tokens and people are for admins">{refusal}</EmptyState> : null}
      </Scroll>
    </>
  );
}
