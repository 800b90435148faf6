/** A job as it is typed, and as it is put in a line. */
import type { JobSpec } from '@/api/runs';
import type { JobType } from '@/api/types';

import { agentOf, agentProblems, NO_AGENT, type AgentForm } from './agentForm';
import { budgetOf, filled, isWrongBudget, NO_BUDGET, onlyGiven, seconds, wholeNumber, type BudgetText } from './forms';

export interface JobForm extends AgentForm {
  type: JobType;
  context: string;
  model: string;
  worker: string;
  timeout: string;
  idleTimeout: string;
  retries: string;
  budget: BudgetText;
}

export const NEW_JOB: JobForm = { type: 'implement', context: '', ...NO_AGENT, model: '', worker: '', timeout: '', idleTimeout: '', retries: '', budget: NO_BUDGET };

/** What is missing or wrong, by field. Whether it has to be told something depends on where it is put. */
export function jobProblems(form: JobForm): Partial<Record<keyof JobForm, string>> {
  const problems: Partial<Record<keyof JobForm, string>> = agentProblems(form);
  for (const key of ['timeout', 'idleTimeout'] as const) if (Number.isNaN(seconds(form[key]))) problems[key] = 'a time like 30m';
  if (Number.isNaN(wholeNumber(form.retries))) problems.retries = 'a number from 0';
  if (isWrongBudget(form.budget)) problems.budget = 'see the fields';
  return problems;
}

/** The job for the API; what was left empty is not in it. */
export const specOf = (form: JobForm): JobSpec =>
  onlyGiven<JobSpec>({
    type: form.type,
    context: filled(form.context),
    ...agentOf(form),
    model: filled(form.model),
    worker: filled(form.worker),
    timeout_secs: seconds(form.timeout),
    idle_timeout_secs: seconds(form.idleTimeout),
    max_retries: wholeNumber(form.retries),
    budget: budgetOf(form.budget),
  });
