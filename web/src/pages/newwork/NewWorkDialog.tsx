import { Checkbox, Group, Select, SimpleGrid, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

import { createAssignment, runGoal } from '@/api/projects';
import { projects } from '@/api/queries';
import { AgentNeeds, AgentSelect } from '@/parts/AgentFields';
import { cleanLine } from '@/parts/clean';
import { FormDialog } from '@/parts/FormDialog';
import { newKey } from '@/parts/forms';
import { useRefusal } from '@/shell/may';
import { keepProject, useProject } from '@/shell/project';
import { say } from '@/shell/say';

import { MoreFields } from './MoreFields';
import { createOf, emptyGoal, hasJudge, isOwnLine, OTHER_REPOSITORY, problemsOf, requestOf, type GoalForm } from './request';

/** Asks for a goal and where, and hands it to the daemon; what is not said is up to the project. */
export default function NewWorkDialog({ close }: { close: () => void }) {
  const [looked] = useProject();
  const navigate = useNavigate();
  const names = useQuery(projects).data?.items.map((p) => p.name) ?? [];
  const refusal = useRefusal('operate');
  const [form, setForm] = useState<GoalForm>(() => emptyGoal(looked));
  // Sent twice, it is still one piece of work.
  const [key] = useState(newKey);
  const found = problemsOf(form);
  const set = (part: Partial<GoalForm>) => setForm((old) => ({ ...old, ...part }));
  const isJudged = hasJudge(form);
  const text = (name: 'repo' | 'base' | 'verify') => ({
    value: form[name],
    onChange: (event: { currentTarget: { value: string } }) => set({ [name]: event.currentTarget.value }),
  });

  const send = async () => {
    const { assignment } = await (isOwnLine(form) ? createAssignment(createOf(form, key)) : runGoal(requestOf(form, key)));
    say('Taken');
    close();
    void navigate({ to: '/assignments/$id', params: { id: assignment.id }, search: keepProject });
  };

  return (
    <FormDialog title="New work" size="xl" close={close} isKept={form.goal !== ''} yes={form.line === 'none' ? 'Make it' : 'Start it'} isLong refused={refusal} isWrong={Object.keys(found).length > 0} send={send}>
      {(isAsked) => {
        const wrong = isAsked ? found : {};
        return (
          <>
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
                <TextInput label="Repository" placeholder="/srv/src/shop" error={wrong.repo} {...text('repo')} />
              ) : (
                <TextInput label="Start from branch" placeholder="the repository’s own" {...text('base')} />
              )}
              <AgentSelect value={form.harness} onChange={(harness) => set({ harness })} own="the project’s own" />
              {form.line === 'one' ? (
                <TextInput label="Model" placeholder="the agent’s own" value={form.job.model} onChange={(event) => set({ job: { ...form.job, model: event.currentTarget.value } })} />
              ) : null}
            </SimpleGrid>
            <AgentNeeds form={form} set={set} wrong={wrong} />
            <TextInput label="Check that every change has to pass" placeholder="the project’s own, such as npm test" {...text('verify')} />
            <Group gap="lg">
              <Checkbox
                label="A pm job judges the work"
                description={isJudged ? undefined : 'A program is no judge. To name one: Limits and more, Other agents, pm = claude'}
                disabled={!isJudged}
                checked={form.review && isJudged}
                onChange={(event) => set({ review: event.currentTarget.checked })}
              />
              <Checkbox label="Propose it as a pull request" checked={form.propose} onChange={(event) => set({ propose: event.currentTarget.checked })} />
            </Group>
            <MoreFields form={form} set={set} wrong={wrong} isAsked={isAsked} />
          </>
        );
      }}
    </FormDialog>
  );
}
