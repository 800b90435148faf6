import { Checkbox, Group, Select, SimpleGrid, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

import { submitOperation, type OperationType } from '@/api/operations';
import { me } from '@/api/queries';
import { AgentNeeds, AgentSelect } from '@/parts/AgentFields';
import { FormDialog } from '@/parts/FormDialog';
import { newKey } from '@/parts/forms';
import { useRefusal } from '@/shell/may';
import { keepProject } from '@/shell/project';
import { say } from '@/shell/say';

import { KnownFields, LimitFields } from './MoreFields';
import { emptyOperation, problemsOf, requestOf, type OperationForm } from './request';
import { TYPE_WORDS } from './words';

type Texts = 'repository' | 'branch' | 'organization' | 'session' | 'verify' | 'files' | 'iterations';

/** Asks for an operation as a service would. */
export default function SubmitDialog({ close }: { close: () => void }) {
  const navigate = useNavigate();
  const who = useQuery(me).data?.name ?? '';
  const refusal = useRefusal('operate');
  const [form, setForm] = useState<OperationForm>(() => emptyOperation(who));
  const [key] = useState(newKey);
  const found = problemsOf(form);
  const set = (part: Partial<OperationForm>) => setForm((old) => ({ ...old, ...part }));
  const send = async () => {
    const { id, created } = await submitOperation(requestOf(form), key);
    say(created ? 'Taken' : 'It was taken before');
    close();
    void navigate({ to: '/operations/$id', params: { id }, search: keepProject });
  };
  return (
    <FormDialog title="New operation" size="xl" close={close} isKept={form.description !== ''} yes="Submit" isLong refused={refusal} isWrong={Object.keys(found).length > 0} send={send}>
      {(isAsked) => {
        const wrong = isAsked ? found : {};
        const text = (name: Texts, label: string, placeholder = '') => (
          <TextInput label={label} placeholder={placeholder} value={form[name]} onChange={(event) => set({ [name]: event.currentTarget.value })} error={wrong[name]} />
        );
        return (
          <>
            <Textarea
              label="What is wanted?"
              data-autofocus
              autosize
              minRows={3}
              maxRows={12}
              value={form.description}
              onChange={(event) => set({ description: event.currentTarget.value })}
              error={wrong.description}
            />
            <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xs">
              <Select
                label="Kind"
                data={Object.entries(TYPE_WORDS).map(([value, label]) => ({ value, label }))}
                value={form.kind}
                onChange={(kind) => set({ kind: (kind as OperationType | null) ?? 'error_fix' })}
                allowDeselect={false}
              />
              {text('repository', 'Repository', 'OWNER/NAME, an address, or a path on the daemon’s machine')}
              {text('branch', 'Start from branch', 'the repository’s own')}
              {text('files', 'Files it is about', 'src/cart.ts, docs/**')}
              {text('organization', 'Organisation')}
              {text('session', 'Session')}
              <AgentSelect value={form.harness} onChange={(harness) => set({ harness })} own="the project’s own" />
              {text('iterations', 'At most rounds', 'the project’s')}
            </SimpleGrid>
            <AgentNeeds form={form} set={set} wrong={wrong} />
            {text('verify', 'Check that every change has to pass', 'the project’s own')}
            <Group gap="lg">
              <Checkbox label="Propose it as a pull request" checked={form.approval} onChange={(event) => set({ approval: event.currentTarget.checked })} />
              <Checkbox label="A pm job judges the work" checked={form.review} onChange={(event) => set({ review: event.currentTarget.checked })} />
            </Group>
            <KnownFields form={form} set={set} wrong={wrong} />
            <LimitFields form={form} set={set} wrong={wrong} />
          </>
        );
      }}
    </FormDialog>
  );
}
