import { Button, Group, Select, Stack, TextInput } from '@mantine/core';
import { useState } from 'react';

import { makeToken } from '@/api/people';
import type { Scope } from '@/api/types';
import { cleanLine } from '@/parts/clean';
import { CopyButton } from '@/parts/CopyButton';
import { Dialog } from '@/parts/Dialog';
import { FormDialog } from '@/parts/FormDialog';
import { filled } from '@/parts/forms';

import classes from './access.module.css';
import { EXPIRIES, isName, NAME_RULE, SCOPES } from './words';

/** Makes a token and shows it, once: it is kept nowhere in this page. */
export function MakeToken({ listAgain, close }: { listAgain: () => void; close: () => void }) {
  const [name, setName] = useState('');
  const [scope, setScope] = useState<Scope>('operate');
  const [assignment, setAssignment] = useState('');
  const [expiry, setExpiry] = useState('7776000');
  const [secret, setSecret] = useState<string | null>(null);
  const wrongName = isName(name) ? undefined : NAME_RULE;
  const wrongAssignment = scope === 'assignment' && !filled(assignment) ? 'Which one?' : undefined;

  const send = async () => {
    const made = await makeToken({
      name: name.trim(),
      scope,
      assignment_id: scope === 'assignment' ? filled(assignment) : undefined,
      expires_in_secs: expiry === '' ? undefined : Number(expiry),
    });
    setSecret(made.secret);
    listAgain();
  };

  if (secret !== null)
    return (
      <Dialog title={`The token ${cleanLine(name)}`} size="md" close={close} isFirm>
        <Stack gap="sm">
          <p className={classes.text}>Copy it now: it is not shown again, here or anywhere.</p>
          <code className={classes.secret} tabIndex={0} aria-label="The token">
            {secret}
          </code>
          <Group justify="flex-end" gap="xs">
            <CopyButton text={secret} label="Copy it" />
            <Button variant="filled" onClick={close}>
              I have it
            </Button>
          </Group>
        </Stack>
      </Dialog>
    );
  return (
    <FormDialog title="New token" size="md" close={close} isKept={name !== ''} yes="Make it" isWrong={Boolean(wrongName ?? wrongAssignment)} send={send}>
      {(isAsked) => (
        <>
          <TextInput label="Name" placeholder="nightly-build" data-autofocus value={name} onChange={(event) => setName(event.currentTarget.value)} error={isAsked && wrongName} />
          <Select
            label="May"
            description={SCOPES.find((s) => s.value === scope)?.means}
            data={SCOPES.map(({ value, label }) => ({ value, label }))}
            value={scope}
            onChange={(value) => setScope((value as Scope | null) ?? 'operate')}
            allowDeselect={false}
          />
          {scope === 'assignment' ? (
            <TextInput label="Assignment" placeholder="its id" value={assignment} onChange={(event) => setAssignment(event.currentTarget.value)} error={isAsked && wrongAssignment} />
          ) : null}
          <Select label="Ends" data={EXPIRIES} value={expiry} onChange={(value) => setExpiry(value ?? '')} allowDeselect={false} />
        </>
      )}
    </FormDialog>
  );
}
