import type { ApiToken, Scope, SignInEntry, User } from '@/api/types';
import { cleanLine } from '@/parts/clean';

export const SCOPES: { value: Scope; label: string; means: string }[] = [
  { value: 'read', label: 'read', means: 'Looks at everything, changes nothing.' },
  { value: 'operate', label: 'operate', means: 'Starts, answers, retries and calls off work, too.' },
  { value: 'admin', label: 'admin', means: 'Everything: tokens, people, housekeeping and backups, too.' },
  { value: 'assignment', label: 'one assignment', means: 'What concerns one assignment, and nothing else.' },
];

export const ROLES: { value: User['role']; label: string; means: string }[] = [
  { value: 'viewer', label: 'viewer', means: 'looks, changes nothing' },
  { value: 'operator', label: 'operator', means: 'starts, answers and calls off work' },
  { value: 'admin', label: 'admin', means: 'everything' },
];

export const EXPIRIES = [
  { value: '86400', label: 'in a day' },
  { value: '2592000', label: 'in 30 days' },
  { value: '7776000', label: 'in 90 days' },
  { value: '31536000', label: 'in a year' },
  { value: '', label: 'never' },
];

export type TokenState = 'active' | 'expired' | 'revoked';

/** Whether a token is worth anything now. */
export function stateOf(token: Pick<ApiToken, 'revoked_at' | 'expires_at'>, nowMs: number): TokenState {
  if (token.revoked_at) return 'revoked';
  return token.expires_at && Date.parse(token.expires_at) <= nowMs ? 'expired' : 'active';
}

/** Who is signed in, and whether it is here. */
export const whoseSignIn = ({ user, current }: Pick<SignInEntry, 'user' | 'current'>) => `${user ? cleanLine(user) : 'the owner'}${current ? ' (this browser)' : ''}`;

/** Names of tokens and people, by the daemon's rule. */
export const isName = (text: string) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(text.trim());
export const NAME_RULE = 'A name of letters, digits, dots, - and _.';

/** Shortest password that is taken. */
export const LEAST_PASSWORD = 10;
