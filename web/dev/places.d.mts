import type { Mock } from './mock.mjs';

export interface Asked {
  body: Record<string, unknown> | undefined;
  query: URLSearchParams;
  places: Places;
}
export interface Places {
  url: string;
  mock: Mock;
  /** By request, `GET /locks`: the answer, or what makes it. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  answers: Record<string, any>;
  /** By request: the refusal. */
  refused: Record<string, { status: number; title?: string; detail?: string; hint?: string }>;
  /** Records in place of those of the made-up attempt. */
  transcript?: unknown[];
  requests: { what: string; body: Record<string, unknown> | undefined; query: Record<string, string> }[];
  emit: Mock['emit'];
  stop(): Promise<void>;
}
export function startPlaces(options?: { port?: number; rows?: number; moves?: boolean }): Promise<Places>;
