/** What the daemon's words tell to do on the command line, and where the page does the same. */

export interface VerbPlace {
  label: string;
  path: string;
}

const WHERE: [verb: RegExp, label: string, path: (project: string | null, job: string | null) => string | null][] = [
  [/\bwindlass trust\b/, 'Look at what it brings', (project) => project && `/projects/${encodeURIComponent(project)}`],
  [/\bwindlass breakers?\b/, 'Breakers', () => '/workers'],
  [/\bwindlass branches\b/, 'Branches', () => '/branches'],
  [/\bwindlass (housekeeping|backup)\b/, 'Housekeeping', () => '/housekeeping'],
  [/\bwindlass findings\b/, 'Findings', () => '/findings'],
  [/\bjob['’]s log\b|\bwindlass logs\b/, 'The job’s log', (_, job) => job && `/jobs/${encodeURIComponent(job)}`],
];

/** The pages on which is done what a text names as verbs of `windlass`; that of a project or a job only where it is known. */
export function verbPlaces(text: string, project: string | null | undefined, job?: string | null): VerbPlace[] {
  return WHERE.flatMap(([verb, label, path]) => {
    const to = verb.test(text) ? path(project ?? null, job ?? null) : null;
    return to ? [{ label, path: to }] : [];
  });
}

/** Whether a text asks for another budget. */
export const namesBudget = (text: string) => /\bwindlass update-assignment\b.*--(no-)?budget/s.test(text);
