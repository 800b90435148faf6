import { Button, Select, SimpleGrid, Stack, Textarea, TextInput } from '@mantine/core';
import { useState } from 'react';

import type { JobType } from '@/api/types';
import { BudgetFields } from '@/parts/BudgetFields';
import { JOB_TYPES } from '@/parts/harnesses';

import { OTHER_REPOSITORY, type GoalForm } from './request';

type Texts = 'base' | 'worker' | 'priority' | 'iterations' | 'retries' | 'timeout' | 'idleTimeout';

/** What is seldom said: limits, the first job's kind, its worker, how long and how often. Opens by itself where something in it is wrong. */
export function MoreFields({ form, set, wrong }: { form: GoalForm; set: (part: Partial<GoalForm>) => void; wrong: Partial<Record<keyof GoalForm, string>> }) {
  const [isAsked, setAsked] = useState(false);
  const isOpen = isAsked || (['priority', 'iterations', 'retries', 'timeout', 'idleTimeout', 'budget'] as const).some((name) => wrong[name]);
  const text = (name: Texts, label: string, placeholder: string) => (
    <TextInput label={label} placeholder={placeholder} value={form[name]} onChange={(event) => set({ [name]: event.currentTarget.value })} error={wrong[name]} />
  );
  return (
    <Stack gap="sm">
      <Button variant="subtle" color="gray" onClick={() => setAsked(!isOpen)} aria-expanded={isOpen} style={{ alignSelf: 'flex-start' }}>
        {isOpen ? 'Less' : 'Limits and more'}
      </Button>
      {isOpen ? (
        <>
          <BudgetFields value={form.budget} onChange={(budget) => set({ budget })} />
          <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="xs">
            <Select
              label="First job"
              data={[...JOB_TYPES]}
              value={form.type}
              onChange={(type) => set({ type: (type as JobType | null) ?? 'implement' })}
              allowDeselect={false}
            />
            {text('priority', 'Priority', '0')}
            {text('worker', 'Worker', 'default')}
            {form.project === OTHER_REPOSITORY ? text('base', 'Start from branch', 'its own') : null}
            {text('iterations', 'At most rounds', 'the project’s')}
            {text('retries', 'At most retries', '3')}
            {text('timeout', 'Time of one run', '30m, 2h')}
            {text('idleTimeout', 'Silent at most', '5m')}
          </SimpleGrid>
          <Textarea
            label="Files to itself while it runs"
            placeholder="src/checkout/, docs/**"
            autosize
            minRows={1}
            maxRows={5}
            value={form.locks}
            onChange={(event) => set({ locks: event.currentTarget.value })}
          />
        </>
      ) : null}
    </Stack>
  );
}
