import { Button, Checkbox, Group, Select, SimpleGrid, Stack, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

import { submitOperation, type OperationType } from '@/api/operations';
import { asProblem, type ApiProblem } from '@/api/problem';
import { me } from '@/api/queries';
import type { Harness } from '@/api/types';
import { BudgetFields } from '@/parts/BudgetFields';
import { RefusedButton } from '@/parts/ConfirmButton';
import { Dialog } from '@/parts/Dialog';
import { newKey } from '@/parts/forms';
import { HARNESSES } from '@/parts/harnesses';
import { ProblemAlert } from '@/parts/States';
import { useRefusal } from '@/shell/may';
import { say } from '@/shell/say';

import { emptyOperation, problemsOf, requestOf, type OperationForm } from './request';
import { TYPE_WORDS } from './words';

type Texts = 'repository' | 'branch' | 'organization' | 'session' | 'verify' | 'program' | 'files' | 'iterations' | 'callback';

/** Asks for an operation as a service would. */
export default function SubmitDialog({ close }: { close: () => void }) {
  const navigate = useNavigate();
  const who = useQuery(me).data?.name ?? '';
  const refusal = useRefusal('operate');
  const [form, setForm] = useState<OperationForm>(() => emptyOperation(who));
  const [key] = useState(newKey);
  const [isAsked, setAsked] = useState(false);
  const [isSending, setSending] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const found = problemsOf(form);
  const wrong = isAsked ? found : {};
  const set = (part: Partial<OperationForm>) => setForm((old) => ({ ...old, ...part }));
  const text = (name: Texts, label: string, placeholder = '') => (
    <TextInput label={label} placeholder={placeholder} value={form[name]} onChange={(event) => set({ [name]: event.currentTarget.value })} error={wrong[name]} />
  );
  const send = async () => {
    setAsked(true);
    if (Object.keys(found).length > 0 || isSending || refusal) return;
    setSending(true);
    try {
      const { id, created } = await submitOperation(requestOf(form), key);
      say(created ? 'Taken' : 'It was taken before');
      close();
      void navigate({ to: '/operations/$id', params: { id }, search: (old: { project?: string }) => ({ project: old.project }) });
    } catch (error) {
      setProblem(asProblem(error));
      setSending(false);
    }
  };
  return (
    <Dialog title="New operation" size="xl" close={close} isKept={form.description !== ''}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <Stack gap="sm">
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
            <Select
              label="Agent"
              placeholder="the project’s own"
              data={[...HARNESSES]}
              value={form.harness || null}
              onChange={(harness) => set({ harness: (harness as Harness | null) ?? '' })}
              clearable
              clearButtonProps={{ 'aria-label': 'The project’s own agent' }}
            />
            {text('iterations', 'At most rounds', 'the project’s')}
          </SimpleGrid>
          {form.harness === 'command' ? text('program', 'Program', './agent.sh') : null}
          {form.harness === 'simulated' ? (
            <Textarea label="Script (TOML)" autosize minRows={3} maxRows={10} value={form.script} onChange={(event) => set({ script: event.currentTarget.value })} error={wrong.script} />
          ) : null}
          {text('verify', 'Check that every change has to pass', 'the project’s own')}
          {text('callback', 'Tell this address when it ends', 'nobody is told')}
          <BudgetFields value={form.budget} onChange={(budget) => set({ budget })} />
          <Group gap="lg">
            <Checkbox label="Propose it as a pull request" checked={form.approval} onChange={(event) => set({ approval: event.currentTarget.checked })} />
            <Checkbox label="A pm job judges the work" checked={form.review} onChange={(event) => set({ review: event.currentTarget.checked })} />
          </Group>
          {problem ? <ProblemAlert problem={problem} /> : null}
          <Group justify="flex-end" gap="xs">
            <Button onClick={close} size="sm">
              Cancel
            </Button>
            {refusal ? (
              <RefusedButton reason={refusal} size="sm">
                Submit
              </RefusedButton>
            ) : (
              <Button type="submit" variant="filled" size="sm" disabled={isSending}>
                {isSending ? 'Sending…' : 'Submit'}
              </Button>
            )}
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
