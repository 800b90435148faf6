import { Select, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';

import { doctor } from '@/api/engine';
import type { Harness } from '@/api/types';

import type { AgentForm } from './agentForm';
import { HARNESSES } from './harnesses';

/** Chooses an agent; `own` says whose is taken where none is chosen. One that the daemon's machine does not have is listed, and says so. */
export function AgentSelect({ value, onChange, own, label = 'Agent' }: { value: Harness | ''; onChange: (harness: Harness | '') => void; own: string; label?: string }) {
  // What was seen a moment ago is good enough for a list.
  const looks = useQuery({ ...doctor, staleTime: 300_000, retry: false }).data?.harnesses;
  const wordsOf = (name: Harness) => {
    const look = looks?.find(({ harness }) => harness === name);
    return !look || look.problems.length === 0 ? name : `${name} (${look.path ? 'not ready' : 'not installed'})`;
  };
  return (
    <Select
      label={label}
      placeholder={own}
      data={HARNESSES.map((name) => ({ value: name, label: wordsOf(name) }))}
      value={value || null}
      onChange={(harness) => onChange((harness as Harness | null) ?? '')}
      clearable
      clearButtonProps={{ 'aria-label': `${label}: ${own}` }}
    />
  );
}

/** What the chosen agent needs beside its name; nothing for most. */
export function AgentNeeds({ form, set, wrong }: { form: AgentForm; set: (part: Partial<AgentForm>) => void; wrong: { program?: string; script?: string } }) {
  if (form.harness === 'command')
    return <TextInput label="Program" placeholder="./agent.sh" value={form.program} onChange={(event) => set({ program: event.currentTarget.value })} error={wrong.program} />;
  if (form.harness === 'simulated')
    return <Textarea label="Script (TOML)" autosize minRows={3} maxRows={10} value={form.script} onChange={(event) => set({ script: event.currentTarget.value })} error={wrong.script} />;
  return null;
}
