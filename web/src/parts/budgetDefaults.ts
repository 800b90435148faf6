import type { Setting } from '@/api/people';

import type { BudgetDefaults } from './BudgetFields';
import { secondsText, type BudgetText } from './forms';

/** The daemon's settings by the limit that they are the default of. */
const KEYS: Record<string, keyof BudgetText> = { 'budget.runs': 'runs', 'budget.usd': 'dollars', 'budget.tokens': 'tokens', 'budget.secs': 'wall' };

/**
 * What counts where work, or a project, says no limit itself: `whose` goes before the daemon's. The runs are always limited; whoever may not see the
 * settings is told that without the number.
 */
export function budgetDefaults(items: readonly Pick<Setting, 'key' | 'value'>[] | undefined, whose: 'daemon' | 'project'): BudgetDefaults {
  const before = whose === 'project' ? 'the project’s, else ' : 'the daemon’s: ';
  const given = (items ?? []).flatMap(({ key, value }) => {
    const limit = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
    return limit && typeof value === 'number' ? [[limit, `${before}${limit === 'wall' ? secondsText(value) : value}`]] : [];
  });
  return { runs: 'the default', ...Object.fromEntries(given) };
}
