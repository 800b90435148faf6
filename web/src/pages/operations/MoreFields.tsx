import { PasswordInput, SimpleGrid, Textarea, TextInput } from '@mantine/core';

import { BudgetFields } from '@/parts/BudgetFields';
import { Fold } from '@/parts/Fold';
import { useBudgetDefaults } from '@/parts/useBudgetDefaults';

import type { OperationForm } from './request';

interface FieldsProps {
  form: OperationForm;
  set: (part: Partial<OperationForm>) => void;
  wrong: Partial<Record<keyof OperationForm, string>>;
}

/** What the requester knows already: of an error, or of what is to be built. */
export function KnownFields({ form, set }: FieldsProps) {
  const lines = (name: 'error' | 'affected' | 'requirements' | 'criteria' | 'testing', label: string, placeholder = '') => (
    <Textarea label={label} placeholder={placeholder} autosize minRows={2} maxRows={10} value={form[name]} onChange={(event) => set({ [name]: event.currentTarget.value })} />
  );
  return (
    <Fold words="What is known of it">
      {lines('error', 'The error as it was printed, its message first', 'TypeError: total is undefined')}
      {lines('affected', 'Files that it speaks of', 'src/cart.ts')}
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xs">
        {lines('requirements', 'What it has to do, a line each')}
        {lines('criteria', 'By what it is accepted, a line each')}
      </SimpleGrid>
      {lines('testing', 'How it is to be tested')}
    </Fold>
  );
}

/** Limits, who runs it, and who is told. */
export function LimitFields({ form, set, wrong }: FieldsProps) {
  const text = (name: 'worker' | 'priority' | 'callback', label: string, placeholder: string) => (
    <TextInput label={label} placeholder={placeholder} value={form[name]} onChange={(event) => set({ [name]: event.currentTarget.value })} error={wrong[name]} />
  );
  return (
    <Fold words="Limits and more" isWrong={Boolean(wrong.priority ?? wrong.callback ?? wrong.budget)}>
      <BudgetFields value={form.budget} onChange={(budget) => set({ budget })} defaults={useBudgetDefaults('project')} />
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xs">
        {text('worker', 'Worker', 'default')}
        {text('priority', 'Priority', '0')}
        {text('callback', 'Tell this address when it ends', 'nobody is told')}
        <PasswordInput
          size="xs"
          label="Signed with this secret"
          placeholder="the daemon’s own"
          autoComplete="new-password"
          visibilityToggleButtonProps={{ 'aria-label': 'Show the secret' }}
          value={form.secret}
          onChange={(event) => set({ secret: event.currentTarget.value })}
        />
      </SimpleGrid>
    </Fold>
  );
}
