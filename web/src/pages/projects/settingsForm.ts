/** A project's settings as they are typed, and back. */
import type { ProjectSettings } from '@/api/projects';
import type { Harness } from '@/api/types';
import { budgetOf, budgetText, filled, isWrongBudget, lined, pairs, seconds, secondsText, size, sizeText, wholeNumber, type BudgetText } from '@/parts/forms';
import { agentsByType, WRONG_AGENTS } from '@/parts/harnesses';

export interface SettingsForm {
  repo: string;
  verify: string;
  setup: string;
  agent: Harness | '';
  /** For single types of job, a line each: `review = codex`. */
  agents: string;
  /** `claude = a-model`, a line each. */
  models: string;
  atOnce: string;
  iterations: string;
  timeout: string;
  budget: BudgetText;
  propose: boolean;
  forge: string;
  onClash: NonNullable<ProjectSettings['on_clash']> | '';
  sandbox: NonNullable<ProjectSettings['sandbox']> | '';
  network: NonNullable<ProjectSettings['network']> | '';
  hosts: string;
  guard: NonNullable<ProjectSettings['guard']> | '';
  guarded: string;
  memory: string;
  disk: string;
  fileSize: string;
  processes: string;
  templates: Record<string, string>;
}

const lines = (of: Record<string, string>) => Object.entries(of).map(([name, value]) => `${name} = ${value}`).join('\n');
const number = (value: number | null | undefined) => (value == null ? '' : String(value));

export function formOf(repo: string, settings: ProjectSettings): SettingsForm {
  const { default: agent, ...agents } = settings.harness_defaults ?? {};
  const limits = settings.limits ?? {};
  return {
    repo,
    verify: settings.verify ?? '',
    setup: settings.setup ?? '',
    agent: agent ?? '',
    agents: lines(agents as Record<string, string>),
    models: lines(settings.models ?? {}),
    atOnce: number(settings.max_concurrent),
    iterations: number(settings.max_iterations),
    timeout: secondsText(settings.timeout_secs),
    budget: budgetText(settings.budget ?? {}),
    propose: settings.propose ?? false,
    forge: settings.forge_repository ?? '',
    onClash: settings.on_clash ?? '',
    sandbox: settings.sandbox ?? '',
    network: settings.network ?? '',
    hosts: (settings.network_allow ?? []).join('\n'),
    guard: settings.guard ?? '',
    guarded: (settings.guarded_paths ?? []).join('\n'),
    memory: sizeText(limits.max_memory),
    disk: sizeText(limits.max_disk),
    fileSize: sizeText(limits.max_file_size),
    processes: number(limits.max_processes),
    templates: settings.templates ?? {},
  };
}

/** What is wrong with an address of a repository. */
export const repositoryProblem = (repo: string): string | undefined =>
  filled(repo) ? undefined : 'An absolute path on the daemon’s machine, or an address.';

/** What cannot be understood, by field. */
export function problemsOf(form: SettingsForm): Partial<Record<keyof SettingsForm, string>> {
  const problems: Partial<Record<keyof SettingsForm, string>> = {};
  const wrongRepo = repositoryProblem(form.repo);
  if (wrongRepo) problems.repo = wrongRepo;
  for (const key of ['atOnce', 'iterations', 'processes'] as const) if (Number.isNaN(wholeNumber(form[key], 1))) problems[key] = 'a number from 1';
  for (const key of ['memory', 'disk', 'fileSize'] as const) if (Number.isNaN(size(form[key]))) problems[key] = 'a size like 512M or 2G';
  if (Number.isNaN(seconds(form.timeout))) problems.timeout = 'a time like 30m';
  if (agentsByType(form.agents) === null) problems.agents = WRONG_AGENTS;
  if (pairs(form.models) === null) problems.models = 'lines like claude = NAME';
  if (isWrongBudget(form.budget)) problems.budget = 'see the fields';
  return problems;
}

/** The settings as they shall be: those before with what the form says. What is left empty is up to the daemon. */
export function settingsOf(form: SettingsForm, before: ProjectSettings): ProjectSettings {
  const agents = { ...agentsByType(form.agents), ...(form.agent ? { default: form.agent } : {}) };
  const templates = Object.fromEntries(Object.entries(form.templates).filter(([, text]) => text.trim() !== ''));
  return {
    ...before,
    verify: filled(form.verify) ?? null,
    setup: filled(form.setup) ?? null,
    harness_defaults: agents,
    models: pairs(form.models) ?? {},
    max_concurrent: wholeNumber(form.atOnce, 1) ?? null,
    max_iterations: wholeNumber(form.iterations, 1) ?? null,
    timeout_secs: seconds(form.timeout) ?? null,
    budget: budgetOf(form.budget) ?? {},
    propose: form.propose,
    forge_repository: filled(form.forge) ?? null,
    on_clash: form.onClash || null,
    sandbox: form.sandbox || null,
    network: form.network || null,
    network_allow: lined(form.hosts),
    guard: form.guard || null,
    guarded_paths: lined(form.guarded),
    limits: { max_memory: size(form.memory) ?? null, max_disk: size(form.disk) ?? null, max_file_size: size(form.fileSize) ?? null, max_processes: wholeNumber(form.processes, 1) ?? null },
    templates,
  };
}
