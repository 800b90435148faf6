import { expect, it } from 'vitest';

import { hasWords } from './hasWords';

it('words match where words begin, in any order, and not within others', () => {
  for (const question of ['', 'bud', 'change its', 'its cha', 'BUDGET']) expect(hasWords('Change its budget…', question), question).toBe(true);
  for (const question of ['get', 'ange', 'budget now']) expect(hasWords('Change its budget…', question), question).toBe(false);
  expect(hasWords('Project k8s-prod', 'prod')).toBe(true);
  expect(hasWords('Project k8s-prod', 'k8s-p')).toBe(true);
  expect(hasWords('Rescan and scan', 'scan')).toBe(true);
});
