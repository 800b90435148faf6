import { Button, Select, TextInput } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';

import type { DeadLetterFilters } from '@/api/runs';
import bar from '@/parts/FilterBar.module.css';

import { FAILURE_KINDS, failureName } from '../attempt/failureWords';
import classes from './DeadLetters.module.css';
import { HARNESSES, isNarrowed, type DeadLetterSearch } from './search';

const SPANS = [
  { value: '1h', label: 'Last hour' },
  { value: '24h', label: 'Last 24 hours' },
  { value: '7d', label: 'Last 7 days' },
  { value: '30d', label: 'Last 30 days' },
];
const KINDS = FAILURE_KINDS.map((value) => ({ value, label: failureName(value) }));

/** Narrows the dead letters: what they died of, on which agent and worker, since when. All of it is in the URL. */
export function DeadLetterFiltersBar({ filters }: { filters: DeadLetterFilters }) {
  const navigate = useNavigate();
  const set = (change: DeadLetterSearch) =>
    void navigate({ to: '/dead-letters', search: (old) => ({ ...old, row: undefined, ...change }), replace: true });
  const [worker, setWorker] = useState(filters.worker ?? '');
  useEffect(() => setWorker(filters.worker ?? ''), [filters.worker]);
  return (
    <div className={`${bar.bar} ${classes.filters}`}>
      <Select aria-label="Died of" placeholder="Any failure" data={KINDS} value={filters.failure ?? null} onChange={(failure) => set({ failure: failure ?? undefined })} searchable clearable />
      <Select aria-label="Agent" placeholder="Any agent" data={[...HARNESSES]} value={filters.harness ?? null} onChange={(harness) => set({ harness: harness ?? undefined })} clearable />
      <Select aria-label="Since" placeholder="Any time" data={SPANS} value={filters.since ?? null} onChange={(since) => set({ since: since ?? undefined })} clearable />
      <TextInput
        aria-label="Worker"
        placeholder="Any worker"
        value={worker}
        onChange={(event) => setWorker(event.currentTarget.value)}
        onBlur={() => set({ worker: worker.trim() || undefined })}
        onKeyDown={(event) => event.key === 'Enter' && set({ worker: worker.trim() || undefined })}
        maxLength={100}
      />
      {isNarrowed(filters) ? (
        <Button
          variant="subtle"
          color="gray"
          leftSection={<IconX size={13} aria-hidden />}
          onClick={() => set({ worker: undefined, harness: undefined, failure: undefined, since: undefined })}
        >
          Clear
        </Button>
      ) : null}
    </div>
  );
}
