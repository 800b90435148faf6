/** What the form for an operation holds, and the request it makes. */
import type { OperationRequest, OperationType } from '@/api/operations';
import type { Harness } from '@/api/types';
import { budgetOf, filled, listed, NO_BUDGET, wholeNumber, type BudgetText } from '@/parts/forms';

export interface OperationForm {
  kind: OperationType;
  description: string;
  repository: string;
  branch: string;
  organization: string;
  session: string;
  approval: boolean;
  review: boolean;
  verify: string;
  harness: Harness | '';
  program: string;
  script: string;
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
  harness: '',
  program: '',
  script: '',
  files: '',
  iterations: '',
  callback: '',
  budget: NO_BUDGET,
});

/** What is missing or wrong, by field. */
export function problemsOf(form: OperationForm): Partial<Record<keyof OperationForm, string>> {
  const problems: Partial<Record<keyof OperationForm, string>> = {};
  if (!filled(form.description)) problems.description = 'Say what is wanted.';
  if (!filled(form.repository)) problems.repository = 'Say which.';
  if (!filled(form.organization)) problems.organization = 'Operations are listed by it.';
  if (!filled(form.session)) problems.session = 'Operations are listed by it.';
  const callback = filled(form.callback);
  if (callback && !/^https?:\/\/[^\s/]+/i.test(callback)) problems.callback = 'An address that begins with https:// or http://';
  if (form.harness === 'command' && !filled(form.program)) problems.program = 'The harness command needs a program.';
  if (form.harness === 'simulated' && !filled(form.script)) problems.script = 'The harness simulated needs a script.';
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
    harness: form.harness || undefined,
    program: form.harness === 'command' ? filled(form.program) : undefined,
    script: form.harness === 'simulated' ? form.script : undefined,
    targetFiles: listed(form.files),
    maxIterations: wholeNumber(form.iterations, 1),
    callback: callback ? { url: callback } : undefined,
    budget: budgetOf(form.budget),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as unknown as OperationRequest;
}
