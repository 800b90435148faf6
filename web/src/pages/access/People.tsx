import { Button, Group, Menu } from '@mantine/core';
import { IconChevronDown } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { changeUser, makeLoginLink, removeUser, users } from '@/api/people';
import { me } from '@/api/queries';
import type { Scope, User } from '@/api/types';
import { ActButton } from '@/parts/ActButton';
import { Asked } from '@/parts/Asked';
import { cleanLine } from '@/parts/clean';
import { CopyButton } from '@/parts/CopyButton';
import { DataTable } from '@/parts/DataTable';
import { Section } from '@/parts/Section';
import { RelativeTime, Until } from '@/parts/times';
import { saying } from '@/shell/say';

import classes from './access.module.css';
import { PersonDialog } from './PersonDialog';
import { SCOPES } from './words';

/** People who sign in with a name and a password: their roles, and whether they may. */
export function People() {
  const queries = useQueryClient();
  const [chosen, setChosen] = useState<User | 'new' | null>(null);
  const list = useQuery(users);
  const own = useQuery(me).data?.user;
  const again = () => queries.invalidateQueries({ queryKey: ['users'] });
  return (
    <Section
      title="People"
      about="who signs in with a name and a password"
      actions={
        <>
          <LoginLink />
          <Button variant="filled" onClick={() => setChosen('new')}>
            Add person…
          </Button>
        </>
      }
    >
      <Asked asking={list}>
        {({ items }) => (
          <DataTable
            label="People"
            columns={[
              { head: 'Name', width: '20%' },
              { head: 'State', width: '90px' },
              { head: 'Role', width: '130px' },
              { head: 'Last signed in' },
              { head: 'Added', width: '120px' },
              { head: 'What can be done', acts: true, isRight: true, width: '260px' },
            ]}
            rows={items.map((user) => ({
              key: user.name,
              cells: [
                `${cleanLine(user.name)}${user.name === own ? ' (you)' : ''}`,
                <span key="state" className={user.disabled ? classes.dim : classes.good}>
                  {user.disabled ? 'shut out' : 'active'}
                </span>,
                user.role,
                user.last_login_at ? <RelativeTime key="last" at={user.last_login_at} focusable /> : 'not yet',
                <RelativeTime key="made" at={user.created_at} focusable />,
                <Group key="act" gap={6} justify="flex-end" wrap="nowrap">
                  <Button onClick={() => setChosen(user)}>Change…</Button>
                  {user.disabled ? (
                    <ActButton done={`${cleanLine(user.name)} may sign in again`} act={() => changeUser(user.name, { disabled: false }).then(again)}>
                      Let in
                    </ActButton>
                  ) : (
                    <ActButton
                      done={`${cleanLine(user.name)} is shut out`}
                      act={() => changeUser(user.name, { disabled: true }).then(again)}
                      confirm={{ question: `Shut ${cleanLine(user.name)} out? Sessions end at once; it can be undone.`, yes: 'Shut out' }}
                    >
                      Shut out…
                    </ActButton>
                  )}
                  <ActButton
                    done={`${cleanLine(user.name)} is removed`}
                    act={() => removeUser(user.name).then(again)}
                    confirm={{ question: `Remove ${cleanLine(user.name)}? What they did stays in the audit log.`, yes: 'Remove' }}
                  >
                    Remove…
                  </ActButton>
                </Group>,
              ],
            }))}
            empty="Nobody has a password: one signs in by token, or by the link of windlass open."
          />
        )}
      </Asked>
      {chosen !== null ? <PersonDialog person={chosen === 'new' ? null : chosen} saved={() => void again()} close={() => setChosen(null)} /> : null}
    </Section>
  );
}

/** A link that signs somebody in once. */
function LoginLink() {
  const [link, setLink] = useState<{ path: string; expires_at?: string | null } | null>(null);
  const make = (scope: Scope) => void saying('The link is made', () => makeLoginLink(scope)).then((made) => made && setLink(made));
  if (link === null)
    return (
      <Menu position="bottom-end">
        <Menu.Target>
          <Button rightSection={<IconChevronDown size={13} aria-hidden />}>Sign-in link</Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>Whoever opens it may</Menu.Label>
          {SCOPES.filter((scope) => scope.value !== 'assignment').map((scope) => (
            <Menu.Item key={scope.value} onClick={() => make(scope.value)}>
              {scope.label}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
    );
  return (
    <span className={classes.link}>
      works once{link.expires_at ? <>, <Until at={link.expires_at} short /></> : null} <CopyButton text={window.location.origin + link.path} label="Copy the link" />
    </span>
  );
}
