/** What the form for an operation holds, and the request it makes. */
import type { OperationRequest, OperationType } from '@/api/operations';
import { agentOf, agentProblems, NO_AGENT, type AgentForm } from '@/parts/agentForm';
import { budgetOf, filled, isWrongBudget, lined, listed, NO_BUDGET, onlyGiven, wholeNumber, type BudgetText } from '@/parts/forms';

export interface OperationForm extends AgentForm {
  kind: OperationType;
  description: string;
  repository: string;
  branch: string;
  organization: string;
  session: string;
  approval: boolean;
  review: boolean;
  verify: string;
  files: string;
  /** The error as it was printed: its first line is the message. */
  error: string;
  affected: string;
  /** A line each, as the criteria. */
  requirements: string;
  criteria: string;
  testing: string;
  iterations: string;
  worker: string;
  priority: string;
  callback: string;
  /** What the result is signed with; the daemon's own secret when it is empty. */
  secret: string;
  budget: BudgetText;
}

export const emptyOperation = (who: string): OperationForm => ({
  kind: 'error_fix',
  description: '',
  repository: '',
  branch: '',
  organization: who,
  session: 'page',
  approval: true,
  review: false,
  verify: '',
  ...NO_AGENT,
  files: '',
  error: '',
  affected: '',
  requirements: '',
  criteria: '',
  testing: '',
  iterations: '',
  worker: '',
  priority: '',
  callback: '',
  secret: '',
  budget: NO_BUDGET,
});

/** What is missing or wrong, by field. */
export function problemsOf(form: OperationForm): Partial<Record<keyof OperationForm, string>> {
  const problems: Partial<Record<keyof OperationForm, string>> = agentProblems(form);
  if (!filled(form.description)) problems.description = 'Say what is wanted.';
  if (!filled(form.repository)) problems.repository = 'Say which.';
  if (!filled(form.organization)) problems.organization = 'Operations are listed by it.';
  if (!filled(form.session)) problems.session = 'Operations are listed by it.';
  const callback = filled(form.callback);
  if (callback && !/^https?:\/\/[^\s/]+/i.test(callback)) problems.callback = 'An address that begins with https:// or http://';
  if (Number.isNaN(wholeNumber(form.priority, -1_000))) problems.priority = 'a whole number';
  const rounds = wholeNumber(form.iterations, 1);
  if (Number.isNaN(rounds) || (rounds ?? 1) > 100) problems.iterations = '1 to 100';
  if (isWrongBudget(form.budget)) problems.budget = 'see the fields';
  return problems;
}

/** A repository is told by its address or path, or as `OWNER/NAME` on the forge that is configured. */
export function requestOf(form: OperationForm): OperationRequest {
  const repository = filled(form.repository) ?? '';
  const named = /^([\w.-]+)\/([\w.-]+)$/.exec(repository);
  const branch = filled(form.branch);
  const callback = filled(form.callback);
  return onlyGiven<OperationRequest>({
    operationType: form.kind,
    description: filled(form.description) ?? '',
    repository: { ...(named ? { owner: named[1], name: named[2] } : { url: repository }), ...(branch ? { branch } : {}) },
    organizationId: filled(form.organization) ?? '',
    sessionId: filled(form.session) ?? '',
    approvalRequired: form.approval,
    review: form.review || undefined,
    verify: filled(form.verify),
    ...agentOf(form),
    targetFiles: listed(form.files),
    maxIterations: wholeNumber(form.iterations, 1),
    errorContext: errorOf(form),
    featureContext: featureOf(form),
    worker: filled(form.worker),
    priority: wholeNumber(form.priority, -1_000),
    callback: callback ? { url: callback, ...(form.secret ? { secret: form.secret } : {}) } : undefined,
    budget: budgetOf(form.budget),
  });
}

/** What is known of an error; nothing when nothing is said of it. */
function errorOf({ error, affected }: OperationForm): OperationRequest['errorContext'] {
  const affectedFiles = listed(affected);
  if (!filled(error) && !affectedFiles) return undefined;
  return { errorMessage: lined(error)[0] ?? '', stackTrace: error, affectedFiles: affectedFiles ?? [] };
}

/** What is known of a feature; nothing when nothing is said of it. */
function featureOf({ requirements, criteria, testing }: OperationForm): OperationRequest['featureContext'] {
  const testStrategy = filled(testing);
  const feature = { requirements: lined(requirements), acceptanceCriteria: lined(criteria), ...(testStrategy ? { testStrategy } : {}) };
  return feature.requirements.length + feature.acceptanceCriteria.length > 0 || testStrategy ? feature : undefined;
}
