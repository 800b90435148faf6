import { Select, SimpleGrid, Textarea, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';

import type { JobType } from '@/api/types';

import { AgentNeeds, AgentSelect } from './AgentFields';
import { BudgetFields } from './BudgetFields';
import { Fold } from './Fold';
import { JOB_TYPES } from './harnesses';
import type { JobForm } from './jobSpec';

type Texts = 'model' | 'worker' | 'timeout' | 'idleTimeout' | 'retries';

interface JobFieldsProps {
  form: JobForm;
  set: (part: Partial<JobForm>) => void;
  wrong: Partial<Record<keyof JobForm, string>>;
  /** Whether one begins to type here. */
  isFirst?: boolean;
  /** One more field beside the others. */
  children?: ReactNode;
}

/** The fields of one job. */
export function JobFields({ form, set, wrong, isFirst = false, children }: JobFieldsProps) {
  const text = (name: Texts, label: string, placeholder: string) => (
    <TextInput label={label} placeholder={placeholder} value={form[name]} onChange={(event) => set({ [name]: event.currentTarget.value })} error={wrong[name]} />
  );
  return (
    <>
      <Textarea
        label="What the agent is told, beside the north star"
        value={form.context}
        onChange={(event) => set({ context: event.currentTarget.value })}
        error={wrong.context}
        autosize
        minRows={isFirst ? 4 : 2}
        maxRows={14}
        data-autofocus={isFirst || undefined}
      />
      <SimpleGrid cols={{ base: 1, sm: 3 }} spacing="xs">
        <Select label="Kind" data={[...JOB_TYPES]} value={form.type} onChange={(type) => set({ type: (type as JobType | null) ?? 'implement' })} allowDeselect={false} />
        <AgentSelect value={form.harness} onChange={(harness) => set({ harness })} own="as the assignment says" />
        {children}
        {text('model', 'Model', 'the agent’s own')}
        {text('worker', 'Worker', 'default')}
        {text('timeout', 'Time of one run', '30m, 2h')}
      </SimpleGrid>
      <AgentNeeds form={form} set={set} wrong={wrong} />
      <Fold words="Its limits" isWrong={Boolean(wrong.budget ?? wrong.idleTimeout ?? wrong.retries)}>
        <BudgetFields value={form.budget} onChange={(budget) => set({ budget })} />
        <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="xs">
          {text('idleTimeout', 'Silent at most', '5m')}
          {text('retries', 'At most retries', '3')}
        </SimpleGrid>
      </Fold>
    </>
  );
}
