/** The stages of an attempt in words. Their details come from the engine, but hold what programs printed. */
import type { StageRecord } from '@/api/runs';
import { capital } from '@/parts/capital';
import { cleanLine, cleanText } from '@/parts/clean';
import { many } from '@/parts/many';
import { toDo } from '@/parts/toDo';

/** What a stage is for, in a word or two. */
export const STAGE_NAMES: Record<StageRecord['stage'], string> = {
  prepare: 'Prepare',
  prompt: 'Prompt',
  run: 'Agent',
  verify: 'Check',
  scan: 'Secret scan',
  commit: 'Commit',
  clash: 'Trial merge',
  push: 'Push',
  propose: 'Pull request',
};

/** Stages that decide whether work is good enough. */
export const isGate = (stage: StageRecord['stage']) => stage === 'verify' || stage === 'scan' || stage === 'clash';

type Detail = Record<string, unknown>;
const text = (detail: Detail, key: string) => (typeof detail[key] === 'string' && detail[key] !== '' ? detail[key] : null);
const number = (detail: Detail, key: string) => (typeof detail[key] === 'number' ? detail[key] : null);
const list = (detail: Detail, key: string) => (Array.isArray(detail[key]) ? detail[key].filter((part) => typeof part === 'string') : []);
const inner = (detail: Detail, key: string): Detail => {
  const value = detail[key];
  return typeof value === 'object' && value !== null ? (value as Detail) : {};
};
const detailOf = (record: StageRecord): Detail => inner({ detail: record.detail }, 'detail');

/** What came of a stage, in a line; null when its status says it all. */
export function stageSummary(record: StageRecord): string | null {
  const detail = detailOf(record);
  const failure = text(inner(detail, 'failure'), 'message');
  // Only this is the daemon's own sentence: the others are commands, branches, outputs.
  const line = (failure && capital(failure)) ?? text(detail, 'summary') ?? text(detail, 'why') ?? byStage(record, detail);
  return line === null ? null : cleanLine(line);
}

function byStage({ stage }: StageRecord, detail: Detail): string | null {
  switch (stage) {
    case 'prepare':
      return text(detail, 'branch') && `${text(detail, 'branch')} from ${text(detail, 'base') ?? 'its base'}`;
    case 'prompt':
      return number(detail, 'bytes') === null ? null : `${number(detail, 'bytes')!.toLocaleString('en-GB')} bytes told`;
    case 'run': {
      const tokens = number(inner(detail, 'usage'), 'tokens');
      const code = number(detail, 'exit_code');
      return [tokens ? `${tokens.toLocaleString('en-GB')} tokens` : null, code ? `exit code ${code}` : null].filter(Boolean).join(', ') || null;
    }
    case 'verify':
      return text(detail, 'command') && `${text(detail, 'command')} ended with exit code ${number(detail, 'exit_code') ?? 'unknown'}`;
    case 'scan': {
      const counts = Object.keys(inner(detail, 'counts')).length > 0 ? inner(detail, 'counts') : detail;
      const found = Array.isArray(detail['findings']) ? detail['findings'].length : 0;
      if (found > 0) return found === 1 ? 'What looks like a secret was found' : `${found} places look like secrets`;
      return number(counts, 'files') === null ? null : `${many(number(counts, 'files')!, 'file')} of ${many(number(counts, 'commits') ?? 0, 'commit')} looked through`;
    }
    case 'commit': {
      const sha = text(detail, 'commit');
      const files = number(detail, 'file_count') ?? list(detail, 'files').length;
      return sha && `${sha.slice(0, 10)}, ${many(files, 'file')}`;
    }
    case 'push':
      return text(detail, 'ref') && `${detail['already'] === true ? 'Was there already: ' : ''}${text(detail, 'ref')!.replace('refs/heads/', '')}`;
    case 'propose':
      return number(detail, 'number') === null ? null : `#${number(detail, 'number')} of ${text(detail, 'repository') ?? 'the forge'}`;
    default:
      return null;
  }
}

/** What a stage left to read: the check's output, the agent's final words, the files of a commit. */
export function stageOutput(record: StageRecord): { label: string; text: string } | null {
  const detail = detailOf(record);
  const output = text(detail, 'output');
  if (output) return { label: 'Output', text: cleanText(output) };
  const said = record.stage === 'run' ? text(detail, 'text') : null;
  if (said) return { label: 'Final words', text: cleanText(said) };
  const files = [...list(detail, 'files'), ...list(detail, 'guarded')];
  if (files.length > 0) {
    const more = (number(detail, 'file_count') ?? files.length) - files.length;
    return { label: 'Files', text: files.map(cleanLine).join('\n') + (more > 0 ? `\n… and ${more} more` : '') };
  }
  return null;
}

/** What a person can do about a stage that failed. */
export const stageHint = (record: StageRecord): string | null => {
  const hint = text(inner(detailOf(record), 'failure'), 'hint');
  return hint && toDo(hint);
};
