import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { revokeToken, tokens } from '@/api/people';
import { ActButton } from '@/parts/ActButton';
import { Asked } from '@/parts/Asked';
import { cleanLine } from '@/parts/clean';
import { useTimeText } from '@/parts/clock';
import { DataTable } from '@/parts/DataTable';
import { AssignmentLink } from '@/parts/LinkTo';
import { Section } from '@/parts/Section';
import { RelativeTime, Until } from '@/parts/times';

import classes from './access.module.css';
import { MakeToken } from './MakeToken';
import { SCOPES, stateOf } from './words';

/** Tokens for programs: what each may, when it was last used, and the way to take it back. */
export function Tokens() {
  const queries = useQueryClient();
  const [isNew, setNew] = useState(false);
  const [showsOld, setShowsOld] = useState(false);
  const list = useQuery(tokens);
  // States change when a token's time is over, so they are looked at each minute.
  const now = Number(useTimeText((ms) => String(Math.floor(ms / 60_000)))) * 60_000;
  const again = () => queries.invalidateQueries({ queryKey: ['tokens'] });
  const all = (list.data?.items ?? []).map((token) => ({ token, state: stateOf(token, now) }));
  const old = all.filter(({ state }) => state !== 'active').length;
  const shown = showsOld ? all : all.filter(({ state }) => state === 'active');
  return (
    <Section
      title="Tokens"
      about="for programs and the command line on other machines; each is shown once, when it is made"
      actions={
        <>
          {old > 0 ? <Button onClick={() => setShowsOld(!showsOld)}>{showsOld ? 'Hide those that are over' : `Show ${old} that ${old === 1 ? 'is' : 'are'} over`}</Button> : null}
          <Button variant="filled" onClick={() => setNew(true)}>
            New token…
          </Button>
        </>
      }
    >
      <Asked asking={list}>
        {() => (
          <DataTable
            label="Tokens"
            columns={[
              { head: 'Name', width: '20%' },
              { head: 'State', width: '90px' },
              { head: 'May' },
              { head: 'Ends', width: '160px' },
              { head: 'Last used', width: '120px' },
              { head: 'Made', width: '180px' },
              { head: 'What can be done', acts: true, isRight: true, width: '110px' },
            ]}
            rows={shown.map(({ token, state }) => ({
              key: token.id,
              cells: [
                cleanLine(token.name),
                <span key="state" className={state === 'active' ? classes.good : classes.dim}>
                  {state}
                </span>,
                <>
                  {SCOPES.find((scope) => scope.value === token.scope)?.label ?? token.scope} {token.assignment_id ? <AssignmentLink id={token.assignment_id} /> : null}
                </>,
                token.revoked_at ? (
                  <>
                    revoked <RelativeTime at={token.revoked_at} focusable />
                  </>
                ) : state === 'expired' ? (
                  <>
                    ended <RelativeTime at={token.expires_at!} focusable />
                  </>
                ) : token.expires_at ? (
                  <Until at={token.expires_at} short />
                ) : (
                  'never'
                ),
                token.last_used_at ? <RelativeTime key="used" at={token.last_used_at} focusable /> : 'not yet',
                <>
                  <RelativeTime at={token.created_at} focusable /> by {cleanLine(token.created_by)}
                </>,
                state === 'active' ? (
                  <ActButton
                    key="revoke"
                    done={`${cleanLine(token.name)} is revoked`}
                    act={() => revokeToken(token.id).then(again)}
                    confirm={{ question: `Revoke ${cleanLine(token.name)}? What uses it is refused at once, and it cannot be brought back.`, yes: 'Revoke it' }}
                  >
                    Revoke…
                  </ActButton>
                ) : null,
              ],
            }))}
            empty={all.length > 0 ? 'None is in force.' : 'There are none yet.'}
          />
        )}
      </Asked>
      {isNew ? (
        <MakeToken
          listAgain={() => void again()}
          close={() => {
            setNew(false);
          }}
        />
      ) : null}
    </Section>
  );
}
