import { SimpleGrid, TextInput } from '@mantine/core';

import { LIMITS, type BudgetText } from './forms';

/** What counts where a field is left empty; the others then do not limit. */
export type BudgetDefaults = Partial<Record<keyof BudgetText, string>>;

/** The limits of some work: fields that are left empty do not limit, but for those whose default is told. */
export function BudgetFields({ value, onChange, defaults = {} }: { value: BudgetText; onChange: (value: BudgetText) => void; defaults?: BudgetDefaults }) {
  const field = (key: keyof BudgetText, label: string, wants: string, example = '') => (
    <TextInput
      label={label}
      placeholder={defaults[key] ?? `no limit${example}`}
      value={value[key]}
      onChange={(event) => onChange({ ...value, [key]: event.currentTarget.value })}
      error={Number.isNaN(LIMITS[key](value[key])) ? wants : undefined}
      inputMode={key === 'wall' ? 'text' : 'decimal'}
    />
  );
  return (
    <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="xs">
      {field('runs', 'At most runs', 'a number from 1')}
      {field('dollars', 'At most dollars', 'a sum like 2.50')}
      {field('tokens', 'At most tokens', 'a number from 1')}
      {field('wall', 'At most time', 'a time like 30m', ', or 30m, 2h')}
    </SimpleGrid>
  );
}
