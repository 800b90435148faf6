import { Checkbox, Select, SimpleGrid, Textarea, TextInput } from '@mantine/core';

import { BudgetFields } from '@/parts/BudgetFields';
import { Fold } from '@/parts/Fold';
import { useBudgetDefaults } from '@/parts/useBudgetDefaults';

import { LineFields } from './LineFields';
import { OTHER_REPOSITORY, type GoalForm, type Line } from './request';

interface MoreFieldsProps {
  form: GoalForm;
  set: (part: Partial<GoalForm>) => void;
  wrong: Partial<Record<keyof GoalForm, string>>;
  isAsked: boolean;
}

const LINES: { value: Line; label: string }[] = [
  { value: 'one', label: 'one job' },
  { value: 'several', label: 'several, one after the other' },
  { value: 'none', label: 'no job yet' },
];

/** What is seldom said: limits, other agents, how its line of jobs begins, how long and how often. */
export function MoreFields({ form, set, wrong, isAsked }: MoreFieldsProps) {
  const isWrong = (['priority', 'iterations', 'inserted', 'agents', 'budget', 'job', 'jobs'] as const).some((name) => wrong[name]);
  const text = (name: 'base' | 'priority' | 'iterations' | 'inserted', label: string, placeholder: string) => (
    <TextInput label={label} placeholder={placeholder} value={form[name]} onChange={(event) => set({ [name]: event.currentTarget.value })} error={wrong[name]} />
  );
  const lines = (name: 'locks' | 'agents', label: string, placeholder: string) => (
    <Textarea label={label} placeholder={placeholder} autosize minRows={1} maxRows={5} value={form[name]} onChange={(event) => set({ [name]: event.currentTarget.value })} error={wrong[name]} />
  );
  return (
    <Fold words="Limits and more" isWrong={isWrong}>
      <BudgetFields value={form.budget} onChange={(budget) => set({ budget })} defaults={useBudgetDefaults('project')} />
      <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="xs">
        {text('priority', 'Priority', '0')}
        {text('iterations', 'At most rounds', 'the project’s')}
        {text('inserted', 'Jobs from its pm', 'at most 20')}
        {form.project === OTHER_REPOSITORY ? text('base', 'Start from branch', 'its own') : null}
      </SimpleGrid>
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xs">
        {lines('agents', 'Other agents, by type of job', 'review = codex')}
        {lines('locks', 'Files to itself while it runs', 'src/checkout/, docs/**')}
      </SimpleGrid>
      <Checkbox
        label="A pm job judges jobs that fail, in place of a person"
        checked={form.reviewFailures}
        onChange={(event) => set({ reviewFailures: event.currentTarget.checked })}
      />
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xs">
        <Select label="It begins with" data={LINES} value={form.line} onChange={(line) => set({ line: (line as Line | null) ?? 'one' })} allowDeselect={false} />
      </SimpleGrid>
      <LineFields form={form} set={set} isAsked={isAsked} />
    </Fold>
  );
}
