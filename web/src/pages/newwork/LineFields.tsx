import { Button, Group, Select, SimpleGrid, Stack, TextInput } from '@mantine/core';

import type { JobType } from '@/api/types';
import { JOB_TYPES } from '@/parts/harnesses';
import { JobFields } from '@/parts/JobFields';
import { jobProblems, NEW_JOB, type JobForm } from '@/parts/jobSpec';

import classes from './newwork.module.css';
import type { GoalForm } from './request';

interface LineFieldsProps {
  form: GoalForm;
  set: (part: Partial<GoalForm>) => void;
  isAsked: boolean;
}

/** The jobs it begins with: one, said in a few fields; several, each with all of them; or none. */
export function LineFields({ form, set, isAsked }: LineFieldsProps) {
  if (form.line === 'none') return <p className={classes.note}>It waits until somebody inserts a job on its page, or with <code>windlass insert-job</code>.</p>;
  if (form.line === 'one') return <OneJob job={form.job} set={(part) => set({ job: { ...form.job, ...part } })} isAsked={isAsked} />;
  const change = (place: number, part: Partial<JobForm>) => set({ jobs: form.jobs.map((job, n) => (n === place ? { ...job, ...part } : job)) });
  return (
    <Stack gap="sm">
      {form.jobs.map((job, place) => (
        <fieldset key={place} className={classes.job}>
          <legend>Job {place + 1}</legend>
          <JobFields form={job} set={(part) => change(place, part)} wrong={isAsked ? jobProblems(job) : {}} />
          {form.jobs.length > 1 ? (
            <Button variant="subtle" color="gray" className={classes.out} onClick={() => set({ jobs: form.jobs.filter((_, n) => n !== place) })}>
              Take job {place + 1} out
            </Button>
          ) : null}
        </fieldset>
      ))}
      <Group>
        <Button onClick={() => set({ jobs: [...form.jobs, NEW_JOB] })}>One more job</Button>
      </Group>
    </Stack>
  );
}

/** What is said of a single job: it is told the goal and nothing else, and its agent is the assignment's. */
function OneJob({ job, set, isAsked }: { job: JobForm; set: (part: Partial<JobForm>) => void; isAsked: boolean }) {
  const wrong = isAsked ? jobProblems(job) : {};
  const text = (name: 'worker' | 'timeout' | 'idleTimeout' | 'retries', label: string, placeholder: string) => (
    <TextInput label={label} placeholder={placeholder} value={job[name]} onChange={(event) => set({ [name]: event.currentTarget.value })} error={wrong[name]} />
  );
  return (
    <SimpleGrid cols={{ base: 2, sm: 5 }} spacing="xs">
      <Select label="Its kind" data={[...JOB_TYPES]} value={job.type} onChange={(type) => set({ type: (type as JobType | null) ?? 'implement' })} allowDeselect={false} />
      {text('worker', 'Worker', 'default')}
      {text('timeout', 'Time of one run', '30m, 2h')}
      {text('idleTimeout', 'Silent at most', '5m')}
      {text('retries', 'At most retries', '3')}
    </SimpleGrid>
  );
}
