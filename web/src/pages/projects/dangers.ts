/** What a change of a project's settings lets through that was held before, in sentences. */
import type { ProjectSettings } from '@/api/projects';

interface Version {
  repo: string;
  settings: ProjectSettings;
}

const LIMITS = ['max_memory', 'max_disk', 'max_file_size', 'max_processes'] as const;
const STRICT = { none: 2, 'allow-list': 1, open: 0 } as const;

export function dangersOf(before: Version, after: Version): string[] {
  const [old, now] = [before.settings, after.settings];
  const dangers: string[] = [];
  const say = (is: unknown, words: string) => is && dangers.push(words);
  say(before.repo !== after.repo, `Work is done in another repository: ${after.repo}`);
  say(now.setup && now.setup !== old.setup, `This runs in each new workspace, on the machines of its workers: ${now.setup}`);
  say(now.verify && now.verify !== old.verify, `This runs on every change, on the machines of its workers: ${now.verify}`);
  say(!now.verify && old.verify, 'Changes are no longer checked by a command of this project.');
  say(now.sandbox !== old.sandbox && (now.sandbox === 'off' || old.sandbox === 'require'), now.sandbox === 'off' ? 'Agents run without a sandbox: they may see and write whatever the daemon may.' : 'Agents run without a sandbox where there is none.');
  // What is not set is the daemon's, which may be anything.
  say(now.network !== old.network && (now.network ? STRICT[now.network] : 0) < (old.network ? STRICT[old.network] : 1), now.network === 'open' ? 'Agents may reach every host.' : 'Agents may reach more hosts than before.');
  const hosts = (now.network_allow ?? []).filter((host) => !(old.network_allow ?? []).includes(host));
  say(hosts.length > 0, `Agents may reach these hosts, too: ${hosts.join(', ')}`);
  say(now.guard !== old.guard && (now.guard === 'allow' || now.guard === 'flag' || old.guard === 'hold'), 'Changes of guarded paths, such as what CI runs, may be pushed without a person having looked.');
  say((old.guarded_paths ?? []).some((path) => !(now.guarded_paths ?? []).includes(path)), 'Some paths are guarded no longer.');
  say(
    LIMITS.some((name) => old.limits?.[name] != null && (now.limits?.[name] ?? Infinity) > old.limits[name]!),
    'Its programs may use more of the machine than before.',
  );
  return dangers;
}
