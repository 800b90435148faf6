import { asProblem } from '@/api/problem';
import { say } from '@/shell/say';

import type { NoticeKind } from './kinds';
import { switchOn } from './setting';

/** Switches telling on, which has the browser ask, and says what came of it. */
export async function askToTell(kinds: readonly NoticeKind[]): Promise<void> {
  try {
    const isOn = await switchOn(kinds);
    say(isOn ? 'This browser tells of what is new from now on' : 'The browser does not let this page tell you', !isOn);
  } catch (error) {
    say(`It could not be switched on: ${asProblem(error).message}`, true);
  }
}
