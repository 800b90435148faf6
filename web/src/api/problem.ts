import type { Problem } from './types';

/** A refusal of the daemon (RFC 9457), or that it could not be reached (`status` 0). */
export class ApiProblem extends Error {
  readonly status: number;
  readonly title: string;
  readonly hint: string | null;

  constructor(problem: Pick<Problem, 'status' | 'title' | 'detail'> & { hint?: string | null }) {
    super(problem.detail);
    this.name = 'ApiProblem';
    this.status = problem.status;
    this.title = problem.title;
    this.hint = problem.hint ?? null;
  }

  /** Whether nothing answered: the daemon is away, or the network. */
  get isAway(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

/** Makes one problem of whatever a request ended with. */
export function asProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  return new ApiProblem({
    status: 0,
    title: 'Windlass does not answer',
    detail: 'The daemon could not be reached.',
    hint: 'See whether `windlass up` runs; the page goes on by itself when it does.',
  });
}

/** Makes a problem of an answer's status and body, which need not be a problem document when a proxy answered. */
export function problemOf(status: number, body: unknown): ApiProblem {
  const given = typeof body === 'object' && body !== null ? (body as Partial<Problem>) : {};
  return new ApiProblem({
    status,
    title: text(given.title) ?? `Answer ${status}`,
    detail: text(given.detail) ?? `The request was answered with status ${status} and no explanation.`,
    hint: text(given.hint) ?? null,
  });
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
