/** What can be changed of a job before it runs again: as it is typed, and as the API takes it. */
import type { JobSpec, RetryJob } from '@/api/runs';
import type { AssignmentDetail, Harness } from '@/api/types';
import { agentProblems, type AgentForm } from '@/parts/agentForm';
import { filled, onlyGiven, seconds } from '@/parts/forms';

export interface JobEditForm extends AgentForm {
  context: string;
  northStar: string;
  model: string;
  timeout: string;
}

/** The job as it was, and of its assignment what stands where the job says nothing. */
export interface JobBefore {
  spec: JobSpec;
  /** The agent of its last attempt, where it is known. */
  harness: Harness | null;
  assignment: Pick<AssignmentDetail, 'north_star' | 'policy'>;
}

/** The form before anything is changed. What is chosen, not written, is empty: as before. */
export const formOf = ({ spec, assignment }: JobBefore): JobEditForm => ({
  context: spec.context ?? '',
  northStar: assignment.north_star,
  harness: '',
  program: spec.program ?? assignment.policy.program ?? '',
  script: spec.script ?? assignment.policy.script ?? '',
  model: '',
  timeout: '',
});

/** The agent that it would run with; nothing where only the daemon knows. */
export function harnessOf(form: JobEditForm, { spec, harness, assignment }: JobBefore): Harness | '' {
  const ofAssignment = assignment.policy.harness_defaults ?? {};
  return form.harness || (spec.harness ?? harness ?? ofAssignment[spec.type ?? 'implement'] ?? ofAssignment.default ?? '');
}

/** What is missing or wrong, by field. */
export function editProblems(form: JobEditForm): Partial<Record<keyof JobEditForm, string>> {
  const problems: Partial<Record<keyof JobEditForm, string>> = agentProblems(form);
  if (!filled(form.northStar)) problems.northStar = 'Say what is wanted.';
  if (Number.isNaN(seconds(form.timeout))) problems.timeout = 'a time like 30m';
  return problems;
}

/** Only what is to be another. */
export function editOf(form: JobEditForm, before: JobBefore): RetryJob {
  const was = formOf(before);
  const harness = harnessOf(form, before);
  const changed = (name: 'context' | 'northStar' | 'program' | 'script') => (form[name] === was[name] ? undefined : form[name]);
  return onlyGiven<RetryJob>({
    context: changed('context'),
    north_star: changed('northStar'),
    harness: form.harness || undefined,
    program: harness === 'command' ? changed('program') : undefined,
    script: harness === 'simulated' ? changed('script') : undefined,
    model: filled(form.model),
    timeout_secs: seconds(form.timeout),
  });
}
