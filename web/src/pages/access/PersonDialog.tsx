import { PasswordInput, Select, TextInput } from '@mantine/core';
import { useState } from 'react';

import { addUser, changeUser } from '@/api/people';
import type { User } from '@/api/types';
import { cleanLine } from '@/parts/clean';
import { FormDialog } from '@/parts/FormDialog';
import { say } from '@/shell/say';

import { isName, LEAST_PASSWORD, NAME_RULE, ROLES } from './words';

/** Adds a person, or changes the role or the password of one. */
export function PersonDialog({ person, saved, close }: { person: User | null; saved: () => void; close: () => void }) {
  const [name, setName] = useState('');
  const [role, setRole] = useState<User['role']>(person?.role ?? 'operator');
  const [password, setPassword] = useState('');
  const wrongName = person || isName(name) ? undefined : NAME_RULE;
  const isNeeded = person === null || password !== '';
  const wrongPassword = isNeeded && password.length < LEAST_PASSWORD ? `At least ${LEAST_PASSWORD} characters.` : undefined;
  const send = async () => {
    if (person === null) await addUser({ name: name.trim(), password, role });
    else await changeUser(person.name, { role: role === person.role ? undefined : role, password: password || undefined });
    say(person === null ? 'Added' : 'Changed');
    saved();
    close();
  };
  return (
    <FormDialog
      title={person ? `Change ${cleanLine(person.name)}` : 'Add person'}
      size="sm"
      close={close}
      isKept={name !== '' || password !== ''}
      yes={person ? 'Change' : 'Add'}
      isWrong={Boolean(wrongName ?? wrongPassword)}
      send={send}
    >
      {(isAsked) => (
        <>
          {person ? null : <TextInput label="Name" data-autofocus value={name} onChange={(event) => setName(event.currentTarget.value)} error={isAsked && wrongName} autoComplete="off" />}
          <Select
            label="Role"
            data={ROLES.map(({ value, label, means }) => ({ value, label: `${label}: ${means}` }))}
            value={role}
            onChange={(value) => setRole((value as User['role'] | null) ?? role)}
            allowDeselect={false}
          />
          <PasswordInput
            size="xs"
            label={person ? 'New password' : 'Password'}
            placeholder={person ? 'as it is' : undefined}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            error={isAsked && wrongPassword}
            autoComplete="new-password"
            visibilityToggleButtonProps={{ 'aria-label': 'Show the password' }}
          />
        </>
      )}
    </FormDialog>
  );
}
