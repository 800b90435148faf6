import type { EventKind, WindlassEvent } from '@/api/types';
import { cleanLine } from '@/parts/clean';
import { eventWords } from '@/parts/eventWords';

export interface EventFilter {
  project?: string;
  assignment?: string;
  job?: string;
  kinds?: readonly EventKind[];
}

/** Whether an event of the stream belongs to what is shown, by the rules of the API's list. */
export function passes(event: WindlassEvent, { project, assignment, job, kinds }: EventFilter): boolean {
  return (
    (!project || event.project === project) &&
    (!assignment || event.assignment_id === assignment) &&
    (!job || event.job_id === job) &&
    (!kinds || kinds.length === 0 || kinds.includes(event.kind))
  );
}

/** Events that were listed (newest first) and those heard since (oldest first), each once, newest first. */
export function joined(listed: readonly WindlassEvent[], heard: readonly WindlassEvent[]): WindlassEvent[] {
  const newest = listed[0]?.seq ?? -1;
  return [...heard.filter((event) => event.seq > newest).reverse(), ...listed];
}

/** An event in a line: its sentence, or its particulars where there is none. */
export function eventText(event: WindlassEvent): string {
  if (event.kind === 'other') return dataInWords(event.data);
  const { text, detail } = eventWords(event);
  return [text, detail].filter(Boolean).join(' · ');
}

/** An event's particulars in a line: `status running · attempts 2`. */
export function dataInWords(data: unknown): string {
  if (typeof data !== 'object' || data === null) return '';
  return Object.entries(data)
    .filter(([, value]) => value !== null && value !== '' && value !== undefined)
    .map(([key, value]) => `${cleanLine(key).replaceAll('_', ' ')} ${typeof value === 'object' ? cleanLine(JSON.stringify(value)) : cleanLine(String(value))}`)
    .join(' · ')
    .slice(0, 300);
}
