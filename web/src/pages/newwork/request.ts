/** What the dialog holds, and the request it makes. */
import type { CreateAssignment, RunGoal } from '@/api/projects';
import { agentOf, agentProblems, NO_AGENT, type AgentForm } from '@/parts/agentForm';
import { budgetOf, filled, isWrongBudget, listed, NO_BUDGET, onlyGiven, wholeNumber, type BudgetText } from '@/parts/forms';
import { agentsByType, WRONG_AGENTS } from '@/parts/harnesses';
import { jobProblems, NEW_JOB, specOf, type JobForm } from '@/parts/jobSpec';

/** How it begins: with one job, with several that wait for each other, or with none. */
export type Line = 'one' | 'several' | 'none';

export interface GoalForm extends AgentForm {
  goal: string;
  /** A known project, or the word for another repository. */
  project: string;
  repo: string;
  base: string;
  /** Other agents for single types of job, a line each: `review = codex`. */
  agents: string;
  verify: string;
  review: boolean;
  reviewFailures: boolean;
  propose: boolean;
  line: Line;
  /** The only job, where there is one: its kind, model, worker and times. */
  job: JobForm;
  /** The jobs, where there are several. */
  jobs: JobForm[];
  inserted: string;
  priority: string;
  iterations: string;
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
  agents: '',
  verify: '',
  review: true,
  reviewFailures: false,
  propose: false,
  line: 'one',
  job: NEW_JOB,
  jobs: [{ ...NEW_JOB, type: 'plan' }, NEW_JOB],
  inserted: '',
  priority: '',
  iterations: '',
  locks: '',
  budget: NO_BUDGET,
});

/** A program alone is no judge: its work is judged only where an agent for pm jobs is named. */
export const hasJudge = (form: GoalForm) => form.harness !== 'command' || agentsByType(form.agents)?.pm !== undefined;

/** What is missing or wrong, by field; nothing when it can be sent. */
export function problemsOf(form: GoalForm): Partial<Record<keyof GoalForm, string>> {
  const problems: Partial<Record<keyof GoalForm, string>> = agentProblems(form);
  if (!filled(form.goal)) problems.goal = 'Say what you want.';
  if (!form.project) problems.project = 'Say where.';
  const repo = filled(form.repo);
  if (form.project === OTHER_REPOSITORY && !(repo && (repo.startsWith('/') || repo.includes('://') || /^[\w.-]+@[\w.-]+:/.test(repo))))
    problems.repo = 'An absolute path on the daemon’s machine, or an address.';
  if (agentsByType(form.agents) === null) problems.agents = WRONG_AGENTS;
  else if (form.reviewFailures && !hasJudge(form)) problems.agents = 'A program is no judge: name one, as pm = claude.';
  if (Number.isNaN(wholeNumber(form.priority, -1_000))) problems.priority = 'a whole number';
  if (Number.isNaN(wholeNumber(form.iterations, 1))) problems.iterations = 'a number from 1';
  if (Number.isNaN(wholeNumber(form.inserted))) problems.inserted = 'a number from 0';
  if (isWrongBudget(form.budget)) problems.budget = 'see the fields';
  const isWrong = (job: JobForm) => Object.keys(jobProblems(job)).length > 0;
  if (form.line === 'one' && isWrong(form.job)) problems.job = 'see the fields';
  if (form.line === 'several' && form.jobs.some(isWrong)) problems.jobs = 'see the fields';
  return problems;
}

/** Whether it asks for more than one job that runs at once: then it is an assignment that is made with a policy of its own. */
export const isOwnLine = (form: GoalForm) => form.line !== 'one' || form.reviewFailures || filled(form.inserted) !== undefined;

/** What both requests say in the same words. */
const place = (form: GoalForm) => {
  const isOther = form.project === OTHER_REPOSITORY;
  return {
    project: isOther ? undefined : form.project,
    repo: isOther ? filled(form.repo) : undefined,
    base: filled(form.base),
    priority: wholeNumber(form.priority, -1_000),
    budget: budgetOf(form.budget),
    source: 'page',
  };
};

/** The request for one job at once; what was left empty is not in it, so that the project's own settings count. */
export function requestOf(form: GoalForm, key: string): RunGoal {
  const { type, ...job } = specOf(form.job);
  const agents = agentsByType(form.agents) ?? {};
  return onlyGiven<RunGoal>({
    goal: filled(form.goal),
    ...place(form),
    ...agentOf(form),
    ...job,
    // The job's own limits would be the assignment's here.
    budget: budgetOf(form.budget),
    harness_defaults: Object.keys(agents).length > 0 ? agents : undefined,
    verify: filled(form.verify),
    no_review: form.review && hasJudge(form) ? undefined : true,
    propose: form.propose || undefined,
    type: type === 'implement' ? undefined : type,
    max_iterations: wholeNumber(form.iterations, 1),
    locks: listed(form.locks),
    key,
  });
}

/** The request for an assignment with a line of its own. */
export function createOf(form: GoalForm, key: string): CreateAssignment {
  const { harness, program, script } = agentOf(form);
  const jobs = { one: [form.job], several: form.jobs, none: [] }[form.line];
  return onlyGiven<CreateAssignment>({
    north_star: filled(form.goal),
    ...place(form),
    policy: onlyGiven<NonNullable<CreateAssignment['policy']>>({
      review: form.review && hasJudge(form),
      on_failure: form.reviewFailures ? 'review' : undefined,
      max_inserted_jobs: wholeNumber(form.inserted),
      harness_defaults: { ...(harness ? { default: harness } : {}), ...agentsByType(form.agents) },
      program,
      script,
      verify: filled(form.verify),
      max_iterations: wholeNumber(form.iterations, 1),
      propose: form.propose || undefined,
      locks: listed(form.locks),
    }),
    jobs: jobs.map(specOf),
    key,
  });
}
