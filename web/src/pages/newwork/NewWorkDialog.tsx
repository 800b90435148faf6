import { Button, Checkbox, Group, Select, SimpleGrid, Stack, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

import { runGoal } from '@/api/projects';
import { asProblem, type ApiProblem } from '@/api/problem';
import { projects } from '@/api/queries';
import type { Harness } from '@/api/types';
import { cleanLine } from '@/parts/clean';
import { RefusedButton } from '@/parts/ConfirmButton';
import { Dialog } from '@/parts/Dialog';
import { newKey } from '@/parts/forms';
import { HARNESSES } from '@/parts/harnesses';
import { ProblemAlert } from '@/parts/States';
import { useRefusal } from '@/shell/may';
import { useProject } from '@/shell/project';
import { say } from '@/shell/say';

import { MoreFields } from './MoreFields';
import { emptyGoal, OTHER_REPOSITORY, problemsOf, requestOf, type GoalForm } from './request';

/** Asks for a goal and where, and hands it to the daemon; what is not said is up to the project. */
export default function NewWorkDialog({ close }: { close: () => void }) {
  const [looked] = useProject();
  const navigate = useNavigate();
  const names = useQuery(projects).data?.items.map((p) => p.name) ?? [];
  const refusal = useRefusal('operate');
  const [form, setForm] = useState<GoalForm>(() => emptyGoal(looked));
  // Sent twice, it is still one piece of work.
  const [key] = useState(newKey);
  const [isAsked, setAsked] = useState(false);
  const [isSending, setSending] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const found = problemsOf(form);
  const wrong = isAsked ? found : {};
  const set = (part: Partial<GoalForm>) => setForm((old) => ({ ...old, ...part }));
  const text = (name: 'repo' | 'base' | 'model' | 'program' | 'verify') => ({
    value: form[name],
    onChange: (event: { currentTarget: { value: string } }) => set({ [name]: event.currentTarget.value }),
    error: wrong[name],
  });

  const send = async () => {
    setAsked(true);
    if (Object.keys(found).length > 0 || isSending || refusal) return;
    setSending(true);
    try {
      const { assignment } = await runGoal(requestOf(form, key));
      say('Taken');
      close();
      void navigate({ to: '/assignments/$id', params: { id: assignment.id }, search: (old: { project?: string }) => ({ project: old.project }) });
    } catch (error) {
      setProblem(asProblem(error));
      setSending(false);
    }
  };

  return (
    <Dialog title="New work" size="xl" close={close} isKept={form.goal !== ''}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void send();
        }}
      >
        <Stack gap="sm">
          <Textarea
            label="What do you want?"
            placeholder="Make the checkout test pass on Node 22"
            data-autofocus
            autosize
            minRows={3}
            maxRows={14}
            value={form.goal}
            onChange={(event) => set({ goal: event.currentTarget.value })}
            error={wrong.goal}
          />
          <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xs">
            <Select
              label="Project"
              placeholder="Which one?"
              data={[...names.map((name) => ({ value: name, label: cleanLine(name) })), { value: OTHER_REPOSITORY, label: 'Another repository…' }]}
              value={form.project || null}
              onChange={(project) => set({ project: project ?? '' })}
              searchable={names.length > 8}
              error={wrong.project}
            />
            {form.project === OTHER_REPOSITORY ? (
              <TextInput label="Repository" placeholder="/srv/src/shop" {...text('repo')} />
            ) : (
              <TextInput label="Start from branch" placeholder="the repository’s own" {...text('base')} />
            )}
            <Select
              label="Agent"
              placeholder="the project’s own"
              data={[...HARNESSES]}
              value={form.harness || null}
              onChange={(harness) => set({ harness: (harness as Harness | null) ?? '' })}
              clearable
              clearButtonProps={{ 'aria-label': 'The project’s own agent' }}
            />
            <TextInput label="Model" placeholder="the agent’s own" {...text('model')} />
          </SimpleGrid>
          {form.harness === 'command' ? <TextInput label="Program" placeholder="./agent.sh" {...text('program')} /> : null}
          {form.harness === 'simulated' ? (
            <Textarea label="Script (TOML)" autosize minRows={3} maxRows={10} value={form.script} onChange={(event) => set({ script: event.currentTarget.value })} error={wrong.script} />
          ) : null}
          <TextInput label="Check that every change has to pass" placeholder="the project’s own, such as npm test" {...text('verify')} />
          <Group gap="lg">
            <Checkbox label="A pm job judges the work" checked={form.review} onChange={(event) => set({ review: event.currentTarget.checked })} />
            <Checkbox label="Propose it as a pull request" checked={form.propose} onChange={(event) => set({ propose: event.currentTarget.checked })} />
          </Group>
          <MoreFields form={form} set={set} wrong={wrong} />
          {problem ? <ProblemAlert problem={problem} /> : null}
          <Group justify="flex-end" gap="xs">
            <Button onClick={close} size="sm">
              Cancel
            </Button>
            {refusal ? (
              <RefusedButton reason={refusal} size="sm">
                Start it
              </RefusedButton>
            ) : (
              <Button type="submit" variant="filled" size="sm" disabled={isSending} rightSection={<kbd aria-hidden>Ctrl ⏎</kbd>}>
                {isSending ? 'Sending…' : 'Start it'}
              </Button>
            )}
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
