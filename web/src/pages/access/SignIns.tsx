import { useQuery, useQueryClient } from '@tanstack/react-query';

import { signOut } from '@/api/commands';
import { endSignIn, signIns } from '@/api/people';
import type { SignInEntry } from '@/api/types';
import { ActButton } from '@/parts/ActButton';
import { Asked } from '@/parts/Asked';
import { DataTable } from '@/parts/DataTable';
import { Nothing, Section } from '@/parts/Section';
import { RelativeTime, Until } from '@/parts/times';

import { SCOPES, whoseSignIn } from './words';

/** The browsers that are signed in, and the way to sign them out from here. */
export function SignIns() {
  const list = useQuery(signIns);
  return (
    <Section title="Signed in" about="browsers that are signed in to this page, wherever they are">
      <Asked asking={list}>
        {({ items, next_cursor }) => (
          <>
            <DataTable
              label="Signed in"
              columns={[
                { head: 'Who', width: '20%' },
                { head: 'May', width: '90px' },
                { head: 'Since' },
                { head: 'Last used', width: '160px' },
                { head: 'Ends', width: '160px' },
                { head: 'What can be done', acts: true, isRight: true, width: '110px' },
              ]}
              rows={items.map((signIn) => ({
                key: signIn.id,
                cells: [
                  whoseSignIn(signIn),
                  SCOPES.find((scope) => scope.value === signIn.scope)?.label ?? signIn.scope,
                  <RelativeTime key="since" at={signIn.created_at} focusable />,
                  signIn.last_used_at ? <RelativeTime key="used" at={signIn.last_used_at} focusable /> : 'not since',
                  signIn.expires_at ? <Until key="ends" at={signIn.expires_at} short /> : null,
                  <EndButton key="end" signIn={signIn} />,
                ],
              }))}
              empty="No browser is signed in."
            />
            {next_cursor ? <Nothing>These are the newest {items.length}: windlass sign-ins lists all.</Nothing> : null}
          </>
        )}
      </Asked>
    </Section>
  );
}

function EndButton({ signIn }: { signIn: SignInEntry }) {
  const queries = useQueryClient();
  if (signIn.current)
    return (
      <ActButton done="Signed out" act={() => signOut().then(() => queries.clear())} confirm={{ question: 'Sign this browser out, in all of its tabs?', yes: 'Sign out' }}>
        Sign out…
      </ActButton>
    );
  const who = whoseSignIn(signIn);
  return (
    <ActButton
      done={`That browser of ${who} is signed out`}
      act={() => endSignIn(signIn.id).then(() => queries.invalidateQueries({ queryKey: ['sign-ins'] }))}
      confirm={{ question: `Sign that browser of ${who} out? What it shows stops at once; whoever may, signs in again.`, yes: 'Sign out' }}
    >
      Sign out…
    </ActButton>
  );
}
