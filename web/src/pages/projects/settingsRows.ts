/** A project's settings as names and words. What is not set is up to the daemon, and is not listed. */
import type { ProjectSettings } from '@/api/projects';
import { cleanLine } from '@/parts/clean';
import { money } from '@/parts/Money';
import { span } from '@/parts/timewords';

const NAMES: Partial<Record<keyof ProjectSettings, string>> = {
  verify: 'Check of every change',
  setup: 'Run once in a new workspace',
  harness_defaults: 'Agents',
  models: 'Models',
  budget: 'Budget of each assignment',
  max_concurrent: 'Jobs at once, at most',
  max_iterations: 'Rounds, at most',
  timeout_secs: 'Time of one run, at most',
  propose: 'Proposes pull requests',
  forge_repository: 'Repository on the forge',
  on_clash: 'When branches clash',
  sandbox: 'Sandbox',
  network: 'Network',
  network_allow: 'Hosts that it may reach',
  limits: 'Limits of its programs',
  guard: 'Changes of guarded paths',
  guarded_paths: 'Guarded, too',
  templates: 'Own prompts for',
};

export function settingsRows(settings: ProjectSettings): { key: string; name: string; value: string }[] {
  const rows: { key: string; name: string; value: string }[] = [];
  const order = Object.keys(NAMES) as (keyof ProjectSettings)[];
  const others = (Object.keys(settings) as (keyof ProjectSettings)[]).filter((key) => !order.includes(key));
  for (const key of [...order, ...others]) {
    const value = inWords(key, settings[key]);
    if (value !== '') rows.push({ key, name: NAMES[key] ?? key.replaceAll('_', ' '), value });
  }
  return rows;
}

function inWords(key: string, value: unknown): string {
  if (value === null || value === undefined || value === false) return '';
  if (value === true) return 'yes';
  if (key === 'templates' && typeof value === 'object') return Object.keys(value).map(cleanLine).join(', ');
  if (key.endsWith('_secs') && typeof value === 'number') return span(value * 1_000);
  if (key === 'cost_micros' && typeof value === 'number') return money(value) ?? '$0.00';
  if (Array.isArray(value)) return value.map((part) => cleanLine(String(part))).join(', ');
  if (typeof value === 'object')
    return Object.entries(value)
      .map(([name, part]) => [name, inWords(name, part)] as const)
      .filter(([, words]) => words !== '')
      .map(([name, words]) => `${cleanLine(name.replace(/_(secs|micros)$/, '').replaceAll('_', ' '))}: ${words}`)
      .join(', ');
  return cleanLine(String(value));
}
