import { ActionIcon, Button, Group, Menu, Popover, Stack, TextInput, UnstyledButton } from '@mantine/core';
import { IconCalendar, IconFilter, IconX } from '@tabler/icons-react';
import { useEffect, useRef, useState, type ReactNode } from 'react';

import { say } from '@/shell/say';
import { useShortcuts } from '@/shell/shortcuts';

import classes from './FilterBar.module.css';
import { isNarrowed, parseFilters, printFilters, type Filters, type More } from './filters';
import { statusWord } from './StatusWord';

const SPANS = [
  { since: '24h', label: 'Last 24 hours' },
  { since: '7d', label: 'Last 7 days' },
  { since: '30d', label: 'Last 30 days' },
];

interface FilterBarProps {
  filters: Filters;
  onChange: (filters: Filters) => void;
  /** The statuses of this list, in the order of their chips. */
  statuses: readonly string[];
  /** What else this list can be narrowed to. */
  more?: More;
  /** How many there are of each, where that is known. */
  counts?: Partial<Record<string, number>>;
  /** What else belongs in the bar: sorting. */
  children?: ReactNode;
}

/** Narrows a list, by widgets or by a typed line; both show and change the same filters. `/` goes to the line. */
export function FilterBar({ filters, onChange, statuses, more, counts, children }: FilterBarProps) {
  const toggle = (status: string) => {
    const others = filters.status?.filter((s) => s !== status) ?? [];
    onChange({ ...filters, status: others.length === (filters.status?.length ?? 0) ? [...others, status] : others });
  };
  return (
    <div className={classes.bar}>
      <TypedFilter filters={filters} onChange={onChange} statuses={statuses} more={more} />
      {statuses.length > 0 ? (
        <div className={classes.chips} role="group" aria-label="Status">
          {statuses.map((status) => (
            <UnstyledButton
              key={status}
              className={classes.chip}
              aria-pressed={filters.status?.includes(status) ?? false}
              onClick={() => toggle(status)}
            >
              {statusWord(status)}
              {counts?.[status] ? <span> {counts[status]}</span> : null}
            </UnstyledButton>
          ))}
        </div>
      ) : null}
      <DateRange filters={filters} onChange={onChange} />
      {children}
    </div>
  );
}

function TypedFilter({ filters, onChange, statuses, more }: Pick<FilterBarProps, 'filters' | 'onChange' | 'statuses' | 'more'>) {
  const field = useRef<HTMLInputElement>(null);
  const printed = printFilters(filters);
  const [text, setText] = useState(printed);
  const [problems, setProblems] = useState<string[]>([]);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    // What is being typed is not written over; it is what the filters come from.
    if (document.activeElement !== field.current) {
      setText(printed);
      setProblems([]);
    }
  }, [printed]);
  useEffect(() => () => clearTimeout(timer.current), []);
  useShortcuts([{ keys: '/', does: 'Filter', run: () => field.current?.select() }]);

  const apply = (value: string) => {
    clearTimeout(timer.current);
    const parsed = parseFilters(value, statuses, more);
    setProblems(parsed.problems);
    if (printFilters(parsed.filters) === printed) return;
    // The project is that of the whole page, and stays.
    if (parsed.filters.project && parsed.filters.project !== filters.project) say(`The whole page shows ${parsed.filters.project} now; “All projects” is in the list at the top`);
    onChange(parsed.filters);
  };
  const clear = () => {
    const rest = { project: filters.project };
    setText(printFilters(rest));
    setProblems([]);
    onChange(rest);
  };
  return (
    <TextInput
      ref={field}
      className={classes.typed}
      aria-label="Filter"
      placeholder={`Filter: words, ${statuses[0] ? `status:${statuses[0]}, ` : ''}project:shop, since:7d`}
      leftSection={<IconFilter size={14} aria-hidden />}
      rightSection={
        isNarrowed(filters) || problems.length > 0 ? (
          <ActionIcon size="sm" aria-label="Clear the filter" onClick={clear}>
            <IconX size={14} />
          </ActionIcon>
        ) : (
          <kbd aria-hidden>/</kbd>
        )
      }
      value={text}
      error={problems.length > 0 ? problems.join('; ') : undefined}
      onChange={(event) => {
        const { value } = event.currentTarget;
        setText(value);
        clearTimeout(timer.current);
        timer.current = setTimeout(() => apply(value), 220);
      }}
      onBlur={() => apply(text)}
      onKeyDown={(event) => {
        if (event.key === 'Enter') apply(text);
        if (event.key === 'Escape') field.current?.blur();
      }}
      spellCheck={false}
      autoComplete="off"
      maxLength={300}
    />
  );
}

function DateRange({ filters, onChange }: Pick<FilterBarProps, 'filters' | 'onChange'>) {
  const [isChoosing, setChoosing] = useState(false);
  const { since, until } = filters;
  const set = (range: { since?: string; until?: string }) => onChange({ ...filters, since: undefined, until: undefined, ...range });
  const label = SPANS.find((s) => s.since === since && !until)?.label ?? ([since && `from ${since}`, until && `to ${until}`].filter(Boolean).join(' ') || 'Any time');
  const isDay = (value: string | undefined) => (value && value.includes('-') ? value : '');
  return (
    <Popover opened={isChoosing} onChange={setChoosing} trapFocus position="bottom-end" withArrow withRoles={false}>
      <Popover.Target>
        <div>
          <Menu position="bottom-end">
            <Menu.Target>
              <Button leftSection={<IconCalendar size={14} aria-hidden />} aria-label={`Dates: ${label}`}>
                {label}
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => set({})}>Any time</Menu.Item>
              {SPANS.map((span) => (
                <Menu.Item key={span.since} onClick={() => set({ since: span.since })}>
                  {span.label}
                </Menu.Item>
              ))}
              <Menu.Item onClick={() => setChoosing(true)}>Choose days…</Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </div>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="xs">
          <TextInput
            type="date"
            label="From"
            value={isDay(since)}
            max={until}
            onChange={(event) => set({ since: event.currentTarget.value || undefined, until })}
          />
          <TextInput
            type="date"
            label="To, that day included"
            value={until ?? ''}
            min={isDay(since)}
            onChange={(event) => set({ since, until: event.currentTarget.value || undefined })}
          />
          <Group justify="flex-end">
            <Button onClick={() => setChoosing(false)}>Done</Button>
          </Group>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
