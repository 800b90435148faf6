import { SimpleGrid, TextInput } from '@mantine/core';

import { microsOf, seconds, wholeNumber, type BudgetText } from './forms';

/** The limits of some work: fields that are left empty do not limit. */
export function BudgetFields({ value, onChange }: { value: BudgetText; onChange: (value: BudgetText) => void }) {
  const field = (key: keyof BudgetText, label: string, placeholder: string, read: (text: string) => number | undefined, wants: string) => (
    <TextInput
      label={label}
      placeholder={placeholder}
      value={value[key]}
      onChange={(event) => onChange({ ...value, [key]: event.currentTarget.value })}
      error={Number.isNaN(read(value[key])) ? wants : undefined}
      inputMode="decimal"
    />
  );
  return (
    <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="xs">
      {field('runs', 'At most runs', 'no limit', (text) => wholeNumber(text, 1), 'a number from 1')}
      {field('dollars', 'At most dollars', 'no limit', microsOf, 'a sum like 2.50')}
      {field('tokens', 'At most tokens', 'no limit', (text) => wholeNumber(text, 1), 'a number from 1')}
      {field('wall', 'At most time', '30m, 2h', seconds, 'a time like 30m')}
    </SimpleGrid>
  );
}
