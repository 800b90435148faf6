import { capital } from './capital';
import { cleanLine } from './clean';

/** What the daemon's words tell to type, and what it is called on the page, where a button beside them does it. What has no button stays. */
const TYPED: [typed: RegExp, called: string][] = [
  [/\s*\((see )?`?windlass [^()]*\)/g, ''],
  [/ with `windlass (logs|approve [\w-]+)`/g, ''],
  [/`?\bwindlass retry( [\w-]+)?`?( --context TEXT\b)?/g, 'retry the job'],
  [/`?\bwindlass update-assignment( [\w-]+)? --status active`?/g, 'let it go on'],
  [/`?\bwindlass update-assignment( [\w-]+)? --status complete`?/g, 'say that it is complete'],
  [/: windlass trust [^\s;,]+/g, ''],
  [/: windlass breakers close [^\s;,]+( --account [^\s;,]+)?/g, ', close its breaker'],
  [/`?\bwindlass findings`?/g, 'the findings'],
  [/`?\bwindlass insert-job`?(?! [\w-]*\d| ID)/g, 'insert a job'],
];

/** What the daemon tells to do, in a line, in the words of the page: without commands for what its buttons do. */
export const toDo = (text: string): string => capital(TYPED.reduce((words, [typed, called]) => words.replace(typed, called), cleanLine(text)));
