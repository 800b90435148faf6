/** What the form for an operation holds, and the request it makes. */
import type { OperationRequest, OperationType } from '@/api/operations';
import { agentOf, agentProblems, NO_AGENT, type AgentForm } from '@/parts/AgentFields';
import { budgetOf, filled, listed, NO_BUDGET, wholeNumber, type BudgetText } from '@/parts/forms';

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
  iterations: string;
  callback: string;
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
  iterations: '',
  callback: '',
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
  const rounds = wholeNumber(form.iterations, 1);
  if (Number.isNaN(rounds) || (rounds ?? 1) > 100) problems.iterations = '1 to 100';
  if (Object.values(budgetOf(form.budget) ?? {}).some(Number.isNaN)) problems.budget = 'see the fields';
  return problems;
}

/** A repository is told by its address or path, or as `OWNER/NAME` on the forge that is configured. */
export function requestOf(form: OperationForm): OperationRequest {
  const repository = filled(form.repository) ?? '';
  const named = /^([\w.-]+)\/([\w.-]+)$/.exec(repository);
  const branch = filled(form.branch);
  const callback = filled(form.callback);
  const given = {
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
    callback: callback ? { url: callback } : undefined,
    budget: budgetOf(form.budget),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as unknown as OperationRequest;
}
