import { Checkbox, Select, SimpleGrid, Textarea, TextInput } from '@mantine/core';
import { useState, type ReactNode } from 'react';

import { AgentSelect } from '@/parts/AgentFields';
import { BudgetFields } from '@/parts/BudgetFields';
import { JOB_TYPES } from '@/parts/harnesses';
import { useBudgetDefaults } from '@/parts/useBudgetDefaults';

import classes from './projects.module.css';
import type { SettingsForm } from './settingsForm';

type Texts = { [Key in keyof SettingsForm]: SettingsForm[Key] extends string ? Key : never }[keyof SettingsForm];

const CHOICES = {
  onClash: { rebase: 'rebase it on what was merged', hold: 'hold it for a person' },
  sandbox: { auto: 'where the machine has one', require: 'always; else nothing runs', off: 'never' },
  network: { open: 'every host', 'allow-list': 'listed hosts only', none: 'no host' },
  guard: { hold: 'wait for a person', flag: 'are pushed, and marked', allow: 'are pushed' },
};

/** The fields of a project's settings. Left empty, each is as the daemon has it. */
export function SettingsFields({ form, set, wrong }: { form: SettingsForm; set: (part: Partial<SettingsForm>) => void; wrong: Partial<Record<keyof SettingsForm, string>> }) {
  const field = (name: Texts, label: string, placeholder: string) => ({
    label,
    placeholder,
    value: form[name],
    onChange: (event: { currentTarget: { value: string } }) => set({ [name]: event.currentTarget.value }),
    error: wrong[name],
  });
  const text = (name: Texts, label: string, placeholder: string) => <TextInput {...field(name, label, placeholder)} />;
  const lines = (name: Texts, label: string, placeholder: string, least = 2) => <Textarea {...field(name, label, placeholder)} autosize minRows={least} maxRows={8} />;
  const choice = (name: keyof typeof CHOICES, label: string) => (
    <Select
      label={label}
      placeholder="as the daemon has it"
      data={Object.entries(CHOICES[name]).map(([value, words]) => ({ value, label: words }))}
      value={form[name] || null}
      onChange={(value) => set({ [name]: value ?? '' })}
      clearable
      clearButtonProps={{ 'aria-label': `${label}: as the daemon has it` }}
    />
  );
  return (
    <>
      <Part title="What is run">
        {text('repo', 'Repository', '/srv/src/shop')}
        {lines('verify', 'Check that every change has to pass', 'none of its own', 1)}
        {lines('setup', 'Run once in a new workspace', 'nothing', 1)}
        <SimpleGrid cols={{ base: 1, sm: 3 }} spacing="xs">
          <AgentSelect value={form.agent} onChange={(agent) => set({ agent })} own="the daemon’s own" />
          {lines('agents', 'Other agents, by type of job', 'review = codex')}
          {lines('models', 'Models, by agent', 'claude = NAME')}
        </SimpleGrid>
        <Templates templates={form.templates} set={(templates) => set({ templates })} />
      </Part>
      <Part title="How much">
        <BudgetFields value={form.budget} onChange={(budget) => set({ budget })} defaults={useBudgetDefaults('daemon')} />
        <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="xs">
          {text('atOnce', 'Jobs at once', 'no limit')}
          {text('iterations', 'At most rounds', 'the daemon’s')}
          {text('timeout', 'Time of one run', '30m, 2h')}
          {text('processes', 'Processes at once', 'the daemon’s')}
          {text('memory', 'Memory', '4G')}
          {text('disk', 'Disk', '20G')}
          {text('fileSize', 'Longest file', '2G')}
        </SimpleGrid>
      </Part>
      <Part title="What it may, and what comes of it">
        <SimpleGrid cols={{ base: 1, sm: 3 }} spacing="xs">
          {choice('sandbox', 'Sandbox')}
          {choice('network', 'May reach')}
          {choice('guard', 'Changes of guarded paths')}
        </SimpleGrid>
        <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xs">
          {lines('hosts', 'Hosts that it may reach, too', 'registry.example.org')}
          {lines('guarded', 'Guarded, too', 'infra/**')}
          {text('forge', 'Repository on the forge', 'OWNER/NAME, where its address does not tell')}
          {choice('onClash', 'When its branch clashes')}
        </SimpleGrid>
        <Checkbox label="Propose its work as pull requests" checked={form.propose} onChange={(event) => set({ propose: event.currentTarget.checked })} />
      </Part>
    </>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <fieldset className={classes.part}>
      <legend>{title}</legend>
      {children}
    </fieldset>
  );
}

/** Prompts in place of the built-in ones, one type of job at a time. */
function Templates({ templates, set }: { templates: Record<string, string>; set: (templates: Record<string, string>) => void }) {
  const [type, setType] = useState<string | null>(null);
  const isOwn = (name: string) => Boolean(templates[name]?.trim());
  return (
    <>
      <Select
        label="Own prompt for jobs of type"
        placeholder={JOB_TYPES.filter(isOwn).join(', ') || 'none: the built-in ones are used'}
        data={JOB_TYPES.map((name) => ({ value: name, label: isOwn(name) ? `${name} (own)` : name }))}
        value={type}
        onChange={setType}
        clearable
        clearButtonProps={{ 'aria-label': 'Show no prompt' }}
      />
      {type ? (
        <Textarea
          label={`Prompt for ${type}; empty: the built-in one`}
          value={templates[type] ?? ''}
          onChange={(event) => set({ ...templates, [type]: event.currentTarget.value })}
          autosize
          minRows={4}
          maxRows={14}
        />
      ) : null}
    </>
  );
}
