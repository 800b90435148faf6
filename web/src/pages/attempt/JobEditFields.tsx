import { SimpleGrid, Textarea, TextInput } from '@mantine/core';

import { AgentNeeds, AgentSelect } from '@/parts/AgentFields';
import { cleanLine } from '@/parts/clean';
import { secondsText } from '@/parts/forms';

import { harnessOf, type JobBefore, type JobEditForm } from './jobEdit';

interface JobEditFieldsProps {
  form: JobEditForm;
  before: JobBefore;
  set: (part: Partial<JobEditForm>) => void;
  wrong: Partial<Record<keyof JobEditForm, string>>;
}

/** What is changed of a job before it runs again. Left empty, agent, model and time are as before. */
export function JobEditFields({ form, before, set, wrong }: JobEditFieldsProps) {
  const { spec } = before;
  const hasWords = Boolean(spec.context);
  const words = (name: 'context' | 'northStar', label: string, isMain: boolean) => (
    <Textarea
      label={label}
      value={form[name]}
      onChange={(event) => set({ [name]: event.currentTarget.value })}
      error={wrong[name]}
      autosize
      minRows={isMain ? 4 : 1}
      maxRows={isMain ? 12 : 6}
      data-autofocus={isMain || undefined}
    />
  );
  return (
    <>
      {words('northStar', 'What is wanted (the north star of the whole assignment)', !hasWords)}
      {words('context', 'What the agent is told, beside that', hasWords)}
      <SimpleGrid cols={{ base: 1, sm: 3 }} spacing="xs">
        <AgentSelect value={form.harness} onChange={(harness) => set({ harness })} own={harnessOf({ ...form, harness: '' }, before) || 'as before'} />
        <TextInput label="Model" placeholder={cleanLine(spec.model ?? '') || 'as before'} value={form.model} onChange={(event) => set({ model: event.currentTarget.value })} />
        <TextInput
          label="Time of one run"
          placeholder={secondsText(spec.timeout_secs) || 'as before'}
          value={form.timeout}
          onChange={(event) => set({ timeout: event.currentTarget.value })}
          error={wrong.timeout}
        />
      </SimpleGrid>
      <AgentNeeds form={{ ...form, harness: harnessOf(form, before) }} set={set} wrong={wrong} />
    </>
  );
}
