import { TextInput } from '@mantine/core';
import { IconFilter } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useRef } from 'react';

import { settings } from '@/api/people';
import { asProblem } from '@/api/problem';
import { cleanLine } from '@/parts/clean';
import { DataTable } from '@/parts/DataTable';
import { PageHead } from '@/parts/PageHead';
import { Scroll, Section } from '@/parts/Section';
import { ErrorState, Skeleton } from '@/parts/States';
import { useUrl } from '@/parts/useUrl';
import { useShortcuts } from '@/shell/shortcuts';
import { useTitle } from '@/shell/title';

import { bySection, valueInWords } from './settingWords';
import classes from './settings.module.css';

/** Every setting of the daemon with its value and where that comes from. They are changed where they come from, not here. */
export default function SettingsPage() {
  useTitle('Settings');
  const [{ q = '' }, change] = useUrl<{ q?: string }>();
  const field = useRef<HTMLInputElement>(null);
  useShortcuts([{ keys: '/', does: 'Filter', run: () => field.current?.select() }]);
  const asking = useQuery(settings);
  if (asking.isPending) return <Skeleton rows={14} />;
  if (!asking.data) return <ErrorState problem={asProblem(asking.error)} retry={() => void asking.refetch()} />;
  const sections = bySection(asking.data.items, q);
  return (
    <>
      <PageHead title="Settings" about="as they are in force; they are changed in the configuration file, the environment or the command line">
        <TextInput
          ref={field}
          aria-label="Filter"
          placeholder="Filter"
          leftSection={<IconFilter size={14} aria-hidden />}
          value={q}
          onChange={(event) => change({ q: event.currentTarget.value || undefined })}
          className={classes.filter}
        />
      </PageHead>
      <Scroll>
        {sections.length === 0 ? (
          <Section title="Nothing has these words">
            <span />
          </Section>
        ) : null}
        {sections.map(({ name, items }) => (
          <Section key={name} title={name}>
            <DataTable
              label={name}
              columns={[
                { head: 'Setting', width: '300px' },
                { head: 'Value', wraps: true },
                { head: 'Set by', width: '120px' },
                { head: 'Where', wraps: true, width: '280px' },
              ]}
              rows={items.map((setting) => ({
                key: setting.key,
                cells: [
                  <code key="key">{cleanLine(setting.key)}</code>,
                  valueInWords(setting.value),
                  <span key="origin" className={setting.origin === 'default' ? classes.dim : undefined}>
                    {cleanLine(setting.origin)}
                  </span>,
                  setting.origin !== 'default' && <code key="from">{cleanLine(setting.from)}</code>,
                ],
              }))}
              empty=""
            />
          </Section>
        ))}
      </Scroll>
    </>
  );
}
