/** What a transcript's records mean to a reader: a call of a tool and its result are one, pieces of a text are one, the rest is left out. */
import type { TranscriptItem } from '@/api/runs';
import type { components } from '@/api/schema';
import { cleanLine, cleanText } from '@/parts/clean';

type AgentEvent = components['schemas']['AgentEvent'];
type Usage = components['schemas']['Usage'];

export type Entry =
  | { is: 'text'; text: string }
  | { is: 'thinking'; text: string }
  | { is: 'tool'; name: string; summary: string; input: string; output: string | null; ok: boolean | null; took: number | null; endsAt: number | null }
  | { is: 'result'; output: string; ok: boolean }
  | { is: 'line'; text: string; from: 'stdout' | 'stderr' | 'windlass' }
  | { is: 'session'; text: string }
  | { is: 'notice'; text: string }
  | { is: 'usage'; text: string }
  | { is: 'end'; text: string; ok: boolean };

/** The entries of records by the number under which they are shown. A number without any is shown as nothing. */
export type Entries = Map<number, Entry[]>;

type Tool = Extract<Entry, { is: 'tool' }>;

/** Reads records that follow one another without a hole. */
export function entriesOf(items: Iterable<TranscriptItem>): Entries {
  const entries: Entries = new Map();
  const open = new Map<string, { tool: Tool; at: string }>();
  // A text that comes in pieces stands where its first piece is.
  let growing: Extract<Entry, { is: 'text' }> | null = null;
  let said = '';
  for (const item of items) {
    const here: Entry[] = [];
    for (const event of item.events) {
      if (event.kind === 'text' && event.delta) {
        if (growing) growing.text += cleanText(event.text);
        else here.push((growing = { is: 'text', text: cleanText(event.text) }));
        said = growing.text;
        continue;
      }
      if (event.kind !== 'usage') growing = null;
      if (event.kind === 'tool_started') {
        const tool: Tool = {
          is: 'tool',
          name: cleanLine(event.name),
          summary: summaryOf(event.input),
          input: inputText(event.input),
          output: null,
          ok: null,
          took: null,
          endsAt: null,
        };
        open.set(event.id, { tool, at: item.at });
        here.push(tool);
      } else if (event.kind === 'tool_ended') {
        const begun = open.get(event.id);
        open.delete(event.id);
        const result = { output: cleanText(event.output), ok: !event.is_error };
        if (begun) Object.assign(begun.tool, result, { took: Date.parse(item.at) - Date.parse(begun.at), endsAt: item.number });
        else here.push({ is: 'result', ...result });
      } else {
        const entry = entryOf(event, item, said);
        if (entry) here.push(entry);
        if (entry?.is === 'text') said = entry.text;
      }
    }
    if (item.stream !== 'stdout') here.push({ is: 'line', text: cleanText(item.line), from: item.stream === 'stderr' ? 'stderr' : 'windlass' });
    if (here.length > 0) entries.set(item.number, here);
  }
  return entries;
}

function entryOf(event: AgentEvent, item: TranscriptItem, said: string): Entry | null {
  switch (event.kind) {
    case 'text':
      return { is: 'text', text: cleanText(event.text) };
    case 'thinking':
      return event.text.trim() === '' ? null : { is: 'thinking', text: cleanText(event.text) };
    case 'session':
      return { is: 'session', text: cleanLine([`Session ${event.session_id}`, event.model && `with ${event.model}`].filter(Boolean).join(' ')) };
    case 'notice':
      return { is: 'notice', text: cleanText(event.text) };
    case 'usage':
      return { is: 'usage', text: usageInWords(event.usage) };
    case 'ended': {
      // The last word mostly repeats the text before it.
      const text = cleanText(event.end.text);
      return { is: 'end', ok: event.end.ok, text: event.end.ok && text.trim() === said.trim() ? '' : text };
    }
    case 'unknown':
      // A line that is no event of the agent is a program's: the check's, or the agent's own stray words.
      return event.what === 'not_json' ? { is: 'line', text: cleanText(item.line), from: 'stdout' } : null;
    default:
      return null;
  }
}

/** Tokens and money of a run, in a few words. */
export function usageInWords(usage: Usage): string {
  const cached = (usage.cache_read_tokens ?? 0) + (usage.cache_write_tokens ?? 0);
  return [
    `${(usage.input_tokens ?? 0).toLocaleString('en-GB')} tokens in`,
    cached > 0 && `${cached.toLocaleString('en-GB')} of the cache`,
    `${(usage.output_tokens ?? 0).toLocaleString('en-GB')} out`,
    usage.cost_micros ? `$${(usage.cost_micros / 1_000_000).toFixed(4)}` : null,
  ]
    .filter(Boolean)
    .join(', ');
}

/** What says most of a tool's arguments: a command, a path, else all of them. */
function summaryOf(input: unknown): string {
  if (typeof input === 'object' && input !== null) {
    for (const key of ['command', 'file_path', 'path', 'pattern', 'query', 'url', 'description']) {
      const value = (input as Record<string, unknown>)[key];
      if (typeof value === 'string') return cleanLine(value).slice(0, 300);
      if (Array.isArray(value)) return cleanLine(value.filter((part) => typeof part === 'string').join(' ')).slice(0, 300);
    }
  }
  return cleanLine(inputText(input)).slice(0, 300);
}

function inputText(input: unknown): string {
  if (input === null || input === undefined) return '';
  return cleanText(typeof input === 'string' ? input : JSON.stringify(input, null, 2));
}

/** All that a record says, for finding. */
export function wordsOf(item: TranscriptItem): string {
  const words = item.events.map((event) => {
    switch (event.kind) {
      case 'text':
      case 'thinking':
      case 'notice':
        return event.text;
      case 'tool_started':
        return `${event.name}\n${inputText(event.input)}`;
      case 'tool_ended':
        return event.output;
      case 'ended':
        return event.end.text;
      case 'session':
        return `${event.session_id} ${event.model ?? ''}`;
      case 'unknown':
        return event.what === 'not_json' ? item.line : '';
      default:
        return '';
    }
  });
  return cleanText(item.stream === 'stdout' ? words.join('\n') : item.line);
}

/** Whether a record tells of something that went wrong. */
export function isTrouble(item: TranscriptItem): boolean {
  if (item.events.some((event) => (event.kind === 'tool_ended' && event.is_error) || (event.kind === 'ended' && !event.end.ok))) return true;
  return /^\W*(error|fatal|panicked|traceback)\b/im.test(item.events.some(isWord) || item.stream !== 'stdout' ? wordsOf(item) : '');
}
const isWord = (event: AgentEvent) => event.kind === 'text' || event.kind === 'unknown';

/** Whether a record is the call of a tool. */
export const isTool = (item: TranscriptItem): boolean => item.events.some((event) => event.kind === 'tool_started');
