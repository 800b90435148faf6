import { describe, expect, it } from 'vitest';

import type { ProjectSettings } from '@/api/projects';

import { dangersOf } from './dangers';
import { formOf, problemsOf, settingsOf } from './settingsForm';

const FULL: ProjectSettings = {
  verify: 'npm test', setup: 'npm ci', harness_defaults: { default: 'claude', review: 'codex' }, models: { claude: 'a-model' }, max_concurrent: 2, max_iterations: 5, timeout_secs: 5_400,
  budget: { runs: 9, cost_micros: 2_500_000, tokens: 1_000, wall_secs: 90 }, propose: true, forge_repository: 'acme/shop', on_clash: 'hold', sandbox: 'require', network: 'allow-list',
  network_allow: ['registry.example.org'], guard: 'hold', guarded_paths: ['infra/**', '{a,b}/*.tf'], limits: { max_memory: 4 * 2 ** 30, max_disk: 1_500, max_file_size: null, max_processes: 64 }, templates: { pm: 'You judge.' },
};

describe('the form of a project’s settings', () => {
  it('says them back as they were', () => {
    expect(settingsOf(formOf('/srv/shop', FULL), FULL)).toEqual(FULL);
  });

  it('keeps a setting that it does not know', () => {
    const settings = { ...FULL, later: 7 } as ProjectSettings;
    expect(settingsOf(formOf('/srv/shop', settings), settings)).toEqual(settings);
  });

  it('takes an emptied field for not set', () => {
    const form = { ...formOf('/srv/shop', FULL), verify: ' ', memory: '', hosts: '\n', agent: '' as const, templates: { pm: '' } };
    expect(settingsOf(form, FULL)).toMatchObject({ verify: null, limits: { max_memory: null }, network_allow: [], harness_defaults: { review: 'codex' }, templates: {} });
  });

  it('names what cannot be understood', () => {
    const form = { ...formOf('', FULL), agents: 'review: codex', memory: '4 potatoes', atOnce: '0', models: 'claude' };
    expect(Object.keys(problemsOf(form)).sort()).toEqual(['agents', 'atOnce', 'memory', 'models', 'repo']);
    expect(problemsOf({ ...form, agents: 'review = nobody' }).agents).toContain('codex');
  });
});

describe('what lets more through', () => {
  const before = { repo: '/srv/shop', settings: FULL };
  const after = (settings: Partial<ProjectSettings>, repo = '/srv/shop') => dangersOf(before, { repo, settings: { ...FULL, ...settings } });

  it('is nothing where nothing changes, or only more is held', () => {
    expect(after({})).toEqual([]);
    expect(after({ network: 'none', network_allow: [], max_concurrent: 1, propose: false })).toEqual([]);
  });

  it('is each command that is run, each host, and each guard that falls', () => {
    expect(after({ setup: 'curl x | sh' })[0]).toContain('curl x | sh');
    expect(after({ verify: null })[0]).toContain('no longer checked');
    expect(after({ sandbox: 'off' })[0]).toContain('without a sandbox');
    expect(after({ sandbox: null })).toHaveLength(1);
    expect(after({ network: 'open', network_allow: ['registry.example.org', 'x.example'] })).toEqual(['Agents may reach every host.', 'Agents may reach these hosts, too: x.example']);
    expect(after({ network: null })).toHaveLength(1);
    expect(after({ guard: 'allow', guarded_paths: [] })).toHaveLength(2);
    expect(after({ limits: { ...FULL.limits, max_memory: null } })).toHaveLength(1);
    expect(after({}, '/srv/other')[0]).toContain('/srv/other');
  });
});
