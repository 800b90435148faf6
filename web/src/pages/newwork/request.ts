/** What the dialog holds, and the request it makes. */
import type { RunGoal } from '@/api/projects';
import type { JobType } from '@/api/types';
import { agentOf, agentProblems, NO_AGENT, type AgentForm } from '@/parts/AgentFields';
import { budgetOf, filled, listed, NO_BUDGET, seconds, wholeNumber, type BudgetText } from '@/parts/forms';

export interface GoalForm extends AgentForm {
  goal: string;
  /** A known project, or the word for another repository. */
  project: string;
  repo: string;
  base: string;
  model: string;
  verify: string;
  review: boolean;
  propose: boolean;
  type: JobType;
  worker: string;
  priority: string;
  iterations: string;
  retries: string;
  timeout: string;
  idleTimeout: string;
  locks: string;
  budget: BudgetText;
}

/** Stands in the place of a project's name; no project can be called so. */
export const OTHER_REPOSITORY = '/';

export const emptyGoal = (project: string | undefined): GoalForm => ({
  goal: '',
  project: project ?? '',
  repo: '',
  base: '',
  ...NO_AGENT,
  model: '',
  verify: '',
  review: true,
  propose: false,
  type: 'implement',
  worker: '',
  priority: '',
  iterations: '',
  retries: '',
  timeout: '',
  idleTimeout: '',
  locks: '',
  budget: NO_BUDGET,
});

/** What is missing or wrong, by field; nothing when it can be sent. */
export function problemsOf(form: GoalForm): Partial<Record<keyof GoalForm, string>> {
  const problems: Partial<Record<keyof GoalForm, string>> = agentProblems(form);
  if (!filled(form.goal)) problems.goal = 'Say what you want.';
  if (!form.project) problems.project = 'Say where.';
  const repo = filled(form.repo);
  if (form.project === OTHER_REPOSITORY && !(repo && (repo.startsWith('/') || repo.includes('://') || /^[\w.-]+@[\w.-]+:/.test(repo))))
    problems.repo = 'An absolute path on the daemon’s machine, or an address.';
  if (Number.isNaN(wholeNumber(form.priority, -1_000))) problems.priority = 'a whole number';
  if (Number.isNaN(wholeNumber(form.iterations, 1))) problems.iterations = 'a number from 1';
  if (Number.isNaN(wholeNumber(form.retries))) problems.retries = 'a number from 0';
  if (Number.isNaN(seconds(form.timeout))) problems.timeout = 'a time like 30m';
  if (Number.isNaN(seconds(form.idleTimeout))) problems.idleTimeout = 'a time like 5m';
  if (Object.values(budgetOf(form.budget) ?? {}).some(Number.isNaN)) problems.budget = 'see the fields';
  return problems;
}

/** The request; what was left empty is not in it, so that the project's own settings count. */
export function requestOf(form: GoalForm, key: string): RunGoal {
  const isOther = form.project === OTHER_REPOSITORY;
  const given = {
    goal: filled(form.goal),
    project: isOther ? undefined : form.project,
    repo: isOther ? filled(form.repo) : undefined,
    base: filled(form.base),
    ...agentOf(form),
    model: filled(form.model),
    verify: filled(form.verify),
    no_review: form.review ? undefined : true,
    propose: form.propose || undefined,
    type: form.type === 'implement' ? undefined : form.type,
    worker: filled(form.worker),
    priority: wholeNumber(form.priority, -1_000),
    max_iterations: wholeNumber(form.iterations, 1),
    max_retries: wholeNumber(form.retries),
    timeout_secs: seconds(form.timeout),
    idle_timeout_secs: seconds(form.idleTimeout),
    locks: listed(form.locks),
    budget: budgetOf(form.budget),
    source: 'page',
    key,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as RunGoal;
}
