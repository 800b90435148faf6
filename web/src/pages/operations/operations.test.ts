import { describe, expect, it } from 'vitest';

import { emptyOperation, problemsOf, requestOf } from './request';
import { callbackInWords, operationInWords } from './words';

const form = { ...emptyOperation('ada'), description: 'Fix it', repository: '/srv/shop' };

describe('a request for an operation', () => {
  it('has what has to be said, and nothing that was not', () => {
    expect(requestOf(form)).toEqual({
      operationType: 'error_fix', description: 'Fix it', repository: { url: '/srv/shop' }, organizationId: 'ada', sessionId: 'page', approvalRequired: true,
    });
  });
  it('takes OWNER/NAME for a repository of the forge, and everything else for an address', () => {
    expect(requestOf({ ...form, repository: 'acme/shop', branch: 'dev' }).repository).toEqual({ owner: 'acme', name: 'shop', branch: 'dev' });
    expect(requestOf({ ...form, repository: 'https://host.example/acme/shop' }).repository).toEqual({ url: 'https://host.example/acme/shop' });
  });
  it('tells what is known of an error as it was printed, its first line as the message', () => {
    expect(requestOf({ ...form, error: '\nTypeError: total is undefined\n  at cart.ts:3\n', affected: 'src/cart.ts, src/total.ts' }).errorContext).toEqual({
      errorMessage: 'TypeError: total is undefined', stackTrace: '\nTypeError: total is undefined\n  at cart.ts:3\n', affectedFiles: ['src/cart.ts', 'src/total.ts'],
    });
    expect(requestOf({ ...form, affected: 'src/cart.ts' }).errorContext).toEqual({ errorMessage: '', stackTrace: '', affectedFiles: ['src/cart.ts'] });
  });
  it('tells what it has to do line by line: a comma divides nothing', () => {
    expect(requestOf({ ...form, requirements: 'By card, or by invoice\nIn euros', testing: 'By hand' }).featureContext).toEqual({
      requirements: ['By card, or by invoice', 'In euros'], acceptanceCriteria: [], testStrategy: 'By hand',
    });
  });
  it('names worker, priority and whom to tell, with the secret that signs it', () => {
    expect(requestOf({ ...form, worker: 'big', priority: '-2', callback: 'https://host.example/done', secret: ' s ' })).toMatchObject({
      worker: 'big', priority: -2, callback: { url: 'https://host.example/done', secret: ' s ' },
    });
    expect(problemsOf({ ...form, priority: 'soon' })).toEqual({ priority: 'a whole number' });
  });
  it('says what is missing or wrong', () => {
    expect(problemsOf(form)).toEqual({});
    expect(Object.keys(problemsOf({ ...emptyOperation(''), callback: 'javascript:1', iterations: '101' }))).toEqual([
      'description', 'repository', 'organization', 'callback', 'iterations',
    ]);
  });
});

describe('an operation in words', () => {
  const running = { why: null, hold: null, status: 'running', result: null, progress: { percent: 40, message: 'runs the tests' } } as const;
  it('tells its own reason first, then how far it is', () => {
    expect(operationInWords({ ...running, why: 'Blocked: look' })).toBe('Blocked: look');
    expect(operationInWords(running)).toBe('40 % · runs the tests');
    expect(operationInWords({ ...running, progress: { percent: 0 } })).toBe('The agent works.');
  });
  it('says whether the requester knows', () => {
    expect(callbackInWords({ status: 'delivered', tries: 1 })).toBe('was told');
    expect(callbackInWords({ status: 'due', tries: 3 })).toBe('is still to be told, 3 tries so far');
  });
});
