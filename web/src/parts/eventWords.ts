/** What happened, in a sentence for people: one for each kind of event. The particulars hold what agents and people wrote. */
import type { WindlassEvent } from '@/api/types';

import { capital } from './capital';
import { cleanLine } from './clean';
import { money } from './Money';
import { span } from './timewords';

export type EventTone = 'run' | 'good' | 'wait' | 'need' | 'bad' | 'off';

export interface EventWords {
  /** What happened, in a few words. */
  text: string;
  /** Why, or what with, where there is more to say. */
  detail: string | null;
  tone: EventTone;
}

/** What each stage is called while it runs, when it went well, and when it did not. */
const STAGES: Record<string, [begun: string, passed: string, failed: string]> = {
  prepare: ['Preparing the workspace', 'Workspace prepared', 'The workspace could not be prepared'],
  prompt: ['Writing the prompt', 'Prompt written', 'The prompt could not be written'],
  run: ['The agent runs', 'The agent ended', 'The agent failed'],
  verify: ['The check runs', 'The check is green', 'The check is red'],
  scan: ['Looking for secrets', 'No secrets found', 'The secret scan stopped it'],
  commit: ['Committing', 'Committed', 'Not committed'],
  clash: ['Merging on trial', 'Merges cleanly with the others', 'Does not merge with the others'],
  push: ['Pushing', 'Pushed', 'Not pushed'],
  propose: ['Proposing it', 'Pull request proposed', 'No pull request could be made'],
};

type Data = Record<string, unknown>;
const text = (data: Data, key: string): string | null => (typeof data[key] === 'string' && data[key] !== '' ? cleanLine(data[key]) : null);
const number = (data: Data, key: string): number | null => (typeof data[key] === 'number' ? data[key] : null);
const inner = (data: Data, key: string): Data => (typeof data[key] === 'object' && data[key] !== null ? (data[key] as Data) : {});
const short = (sha: string | null) => sha?.slice(0, 10) ?? null;
const some = (...parts: (string | null | false | undefined)[]) => parts.filter(Boolean).join(' · ') || null;
/** The daemon's own sentence on a failure: all else is as agents and people wrote it. */
const failureOf = (data: Data) => capital(text(inner(data, 'failure'), 'message') ?? '') || null;
const upper = (words: string) => words.replace(/^./, (letter) => letter.toUpperCase());
const by = (data: Data) => (text(data, 'by') ? `by ${text(data, 'by')}` : null);

/** The event in words. */
export function eventWords(event: WindlassEvent): EventWords {
  const data = event.data ?? {};
  const failure = failureOf(data);
  const words = (text: string, detail: string | null = null, tone: EventTone = 'off'): EventWords => ({ text, detail, tone });
  switch (event.kind) {
    case 'assignment.created':
      return words(askedFor(text(data, 'source')));
    case 'assignment.status':
      return assignmentStatus(data);
    case 'assignment.branch':
      if (text(data, 'branch')) return words(`Branch ${text(data, 'branch')} from ${text(data, 'base_branch') ?? 'its base'}`, short(text(data, 'base_commit')));
      return words(`The branch is at commit ${short(text(data, 'head_commit')) ?? 'unknown'}`, null, 'good');
    case 'branch.changed':
      return branchChanged(data);
    case 'job.inserted':
      return words(`Job ${number(data, 'position') ?? ''} put in the line: ${text(data, 'type') ?? 'unknown'}`, by(data));
    case 'job.status':
      return jobStatus(data, failure);
    case 'job.progress':
      return words(
        `${upper(text(data, 'phase') ?? 'working')}${number(data, 'progress') ? `, ${number(data, 'progress')} %` : ''}`,
        text(data, 'message'),
        'run',
      );
    case 'attempt.started':
      return words(`Attempt ${number(data, 'number') ?? ''} begins: ${text(data, 'type') ?? 'job'} by ${text(data, 'harness') ?? 'an agent'}`, null, 'run');
    case 'stage.started':
      return words(stage(data, 0), null, 'run');
    case 'stage.ended':
      return stageEnded(data);
    case 'attempt.ended': {
      const cost = number(inner(data, 'usage'), 'cost_micros');
      const status = text(data, 'status') ?? 'ended';
      const detail = some(failure, number(data, 'wall_ms') !== null && `took ${span(number(data, 'wall_ms')!)}`, cost ? money(cost) : null);
      return words(`Attempt ${status}`, detail, status === 'succeeded' ? 'good' : status === 'stopped' ? 'off' : 'bad');
    }
    case 'pull_request.changed': {
      const pull = inner(data, 'pull_request');
      const checks = { pending: 'checks run', success: 'checks passed', failure: 'checks failed' }[text(pull, 'checks') ?? ''];
      const state = text(pull, 'state') ?? 'changed';
      return words(`Pull request #${number(pull, 'number') ?? ''} is ${state}`, some(checks, text(pull, 'title')), state === 'merged' ? 'good' : checks === 'checks failed' ? 'bad' : 'off');
    }
    case 'verdict.applied': {
      const inserted = number(data, 'inserted') ?? 0;
      const verdict = text(data, 'verdict');
      const said =
        verdict === 'complete'
          ? 'The pm says: complete'
          : verdict === 'block'
            ? 'The pm asks for a person'
            : `The pm inserts ${inserted === 1 ? 'a job' : `${inserted} jobs`}`;
      return words(said, text(data, 'reason'), verdict === 'complete' ? 'good' : verdict === 'block' ? 'need' : 'run');
    }
    case 'verdict.refused':
      return words('The pm’s verdict was refused', text(data, 'reason'), 'bad');
    case 'attempt.notice':
      return words(text(data, 'text') ?? upper((text(data, 'what') ?? 'notice').replaceAll('_', ' ')), null, 'need');
    case 'harness.parked':
      return text(data, 'until')
        ? words(`${upper(text(data, 'harness') ?? 'The agent')} is parked`, text(data, 'reason'), 'wait')
        : words(`${upper(text(data, 'harness') ?? 'The agent')} may go on`, by(data), 'good');
    case 'breaker.changed': {
      const status = text(data, 'status') ?? 'changed';
      return words(`The breaker of ${text(data, 'id') ?? text(data, 'harness') ?? 'an agent'} is ${status.replaceAll('_', ' ')}`, failure, status === 'open' ? 'bad' : status === 'closed' ? 'good' : 'wait');
    }
    case 'engine.paused':
      return words('Everything was paused', by(data), 'wait');
    case 'engine.resumed':
      return words('Everything goes on', by(data), 'good');
    case 'engine.restored':
      return words('A backup was restored', null, 'need');
    case 'project.changed':
      return words(`Project ${text(data, 'project') ?? event.project ?? ''} was ${text(data, 'what') ?? 'changed'}`.replace(/\s+/g, ' '), by(data));
    case 'operation.callback': {
      const status = text(data, 'status');
      const said = { due: 'Its requester is to be told', delivered: 'Its requester was told', dead: 'Its requester could not be told' }[status ?? ''];
      return words(said ?? 'Telling its requester', text(data, 'problem'), status === 'dead' ? 'bad' : 'off');
    }
    case 'session.started':
      return words('An agent’s session began', text(data, 'title'), 'run');
    case 'session.ended':
      return words('An agent’s session ended', text(data, 'reason'));
    case 'session.activity':
      return sessionActivity(data);
    default:
      return words('Something that this page does not know');
  }
}

/** Where work came from. Sources are open: what asks through the API may call itself anything. */
function askedFor(source: string | null): string {
  const ways: Record<string, string> = { cli: 'on the command line', page: 'on the page', api: 'through the API', mcp: 'through MCP', file: 'by a task file', operation: 'as a code operation' };
  if (source === null) return 'Asked for';
  return Object.hasOwn(ways, source) ? `Asked for ${ways[source]}` : `Asked for, source ${source}`;
}

function assignmentStatus(data: Data): EventWords {
  const status = text(data, 'status');
  const detail = some(text(data, 'reason'), by(data));
  if (data['budget'] && !data['from']) return { text: 'Its budget was changed', detail, tone: 'off' };
  switch (status) {
    case 'complete':
      return { text: 'Complete', detail, tone: 'good' };
    case 'blocked':
      return { text: 'Blocked: waits for a person', detail: some(text(data, 'reason'), text(data, 'action'), by(data)), tone: 'need' };
    case 'cancelled':
      return { text: 'Called off', detail, tone: 'off' };
    case 'active':
      return { text: 'Goes on', detail, tone: 'run' };
    default:
      return { text: `Its status is ${status ?? 'changed'}`, detail, tone: 'off' };
  }
}

function sessionActivity(data: Data): EventWords {
  const tool = inner(data, 'current_tool');
  const name = text(tool, 'name');
  if (name) return { text: `The agent uses ${name}`, detail: text(tool, 'summary'), tone: 'run' };
  return { text: 'The agent is active', detail: text(data, 'last_activity'), tone: 'run' };
}

function branchChanged(data: Data): EventWords {
  const said = {
    active: 'The branch is registered',
    merging: `The branch is ready to be merged into ${text(data, 'base') ?? 'its base'}`,
    merged: `The branch was merged into ${text(data, 'base') ?? 'its base'}`,
    released: 'The branch is out of the registry',
  }[text(data, 'status') ?? ''];
  return { text: said ?? 'The branch changed', detail: some(text(data, 'branch'), by(data)), tone: text(data, 'status') === 'merged' ? 'good' : 'off' };
}

function jobStatus(data: Data, failure: string | null): EventWords {
  const status = text(data, 'status');
  const detail = some(failure, text(data, 'reason'), by(data));
  switch (status) {
    case 'running':
      return { text: `Job taken by worker ${text(data, 'worker') ?? 'unknown'}`, detail: text(data, 'harness'), tone: 'run' };
    case 'queued':
      if (data['replayed']) return { text: 'Replayed', detail, tone: 'run' };
      if (data['parked']) return { text: 'Parked until a limit ends', detail, tone: 'wait' };
      return { text: text(data, 'from') === 'running' ? 'Waits for the next try' : 'Waits again', detail, tone: 'wait' };
    case 'succeeded':
      return { text: 'Job succeeded', detail, tone: 'good' };
    case 'failed':
      return { text: 'Job failed', detail, tone: 'bad' };
    case 'dead':
      return { text: 'Job is out of tries: a dead letter', detail, tone: 'bad' };
    case 'cancelled':
      return { text: 'Job called off', detail, tone: 'off' };
    default:
      return { text: 'Job changed', detail, tone: 'off' };
  }
}

/** A stage in words; from the second round on, with its round. */
function stage(data: Data, which: 0 | 1 | 2): string {
  const name = text(data, 'stage') ?? 'A stage';
  const words = STAGES[name]?.[which] ?? `${upper(name)} ${['began', 'ended', 'failed'][which]}`;
  const round = number(data, 'iteration') ?? 1;
  return round > 1 ? `${words} (round ${round})` : words;
}

function stageEnded(data: Data): EventWords {
  const status = text(data, 'status') ?? 'ended';
  const summary = text(data, 'summary');
  const failure = failureOf(data);
  if (status === 'skipped') return { text: `Not needed: ${stage(data, 0).toLowerCase()}`, detail: summary, tone: 'off' };
  if (status === 'interrupted') return { text: `Interrupted: ${stage(data, 0).toLowerCase()}`, detail: some(summary, failure), tone: 'need' };
  if (status === 'failed') return { text: stage(data, 2), detail: some(summary, failure), tone: 'bad' };
  const detail = summary?.replace(/^[0-9a-f]{40}$/, (sha) => sha.slice(0, 10)).replace(/^refs\/heads\//, '') ?? null;
  return { text: stage(data, 1), detail, tone: data['stage'] === 'verify' ? 'good' : 'off' };
}
