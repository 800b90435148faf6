import { Button, MultiSelect, Select, TextInput } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';

import { useShortcuts } from '@/shell/shortcuts';

import classes from './UrlFields.module.css';

export type UrlField =
  | { is: 'text'; key: string; label: string }
  | { is: 'one'; key: string; label: string; options: { value: string; label: string }[] }
  | { is: 'many'; key: string; label: string; options: string[] };

/** The spans that `since` may say. */
export const SINCE: UrlField = {
  is: 'one',
  key: 'since',
  label: 'Any time',
  options: [
    { value: '24h', label: 'Last 24 hours' },
    { value: '7d', label: 'Last 7 days' },
    { value: '30d', label: 'Last 30 days' },
  ],
};

type Search = Record<string, string | undefined>;

/** Filters of a list that has its own, each a word of the address. `/` goes to the first. */
export function UrlFields({ fields, search, change }: { fields: UrlField[]; search: Search; change: (next: Search) => void }) {
  const bar = useRef<HTMLDivElement>(null);
  useShortcuts([{ keys: '/', does: 'Filter', run: () => bar.current?.querySelector('input')?.focus() }]);
  const set = (key: string, value: string | null | undefined) => change({ [key]: value || undefined, row: undefined });
  return (
    <div className={classes.bar} ref={bar} role="search" aria-label="Filters">
      {fields.map((field) => {
        const value = search[field.key];
        if (field.is === 'text') return <TextField key={field.key} label={field.label} value={value ?? ''} onChange={(next) => set(field.key, next)} />;
        if (field.is === 'one')
          return (
            <Select
              key={field.key}
              aria-label={field.label}
              placeholder={field.label}
              data={field.options}
              value={value ?? null}
              onChange={(next) => set(field.key, next)}
              clearable
              clearButtonProps={{ 'aria-label': field.label }}
              w={150}
            />
          );
        return (
          <MultiSelect
            key={field.key}
            aria-label={field.label}
            placeholder={value ? undefined : field.label}
            size="xs"
            data={field.options}
            value={value?.split(',').filter((word) => field.options.includes(word)) ?? []}
            onChange={(next) => set(field.key, next.join(','))}
            searchable
            clearable
            clearButtonProps={{ 'aria-label': `${field.label}: all` }}
            className={classes.many}
          />
        );
      })}
      {fields.some((field) => search[field.key]) ? (
        <Button
          variant="subtle"
          color="gray"
          leftSection={<IconX size={13} aria-hidden />}
          onClick={() => change({ ...Object.fromEntries(fields.map((field) => [field.key, undefined])), row: undefined })}
        >
          Clear
        </Button>
      ) : null}
    </div>
  );
}

function TextField({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    // What is being typed is not written over.
    if (document.activeElement !== field.current || value === '') setText(value);
  }, [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <TextInput
      ref={field}
      aria-label={label}
      placeholder={label}
      className={classes.text}
      value={text}
      onChange={(event) => {
        const next = event.currentTarget.value;
        setText(next);
        clearTimeout(timer.current);
        timer.current = setTimeout(() => onChange(next.trim()), 220);
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') field.current?.blur();
      }}
      spellCheck={false}
      autoComplete="off"
      maxLength={200}
    />
  );
}
