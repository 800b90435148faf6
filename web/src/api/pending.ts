/**
 * Endpoints that the daemon's OpenAPI document does not describe yet. What it describes goes from here: `types.ts` and `client.ts` then
 * take the generated ones.
 */
import type { components } from './schema';

type Schemas = components['schemas'];

export interface Notifications {
  channels: {
    name: string;
    kind: 'email' | 'webhook' | 'slack';
    target: string;
    kinds: string[];
    last_sent_at: string | null;
    last_error: string | null;
  }[];
  recent: {
    id: string;
    at: string;
    channel: string;
    kind: string;
    title: string;
    state: 'sent' | 'due' | 'failed';
    tries: number;
    error: string | null;
    assignment_id?: string | null;
    job_id?: string | null;
  }[];
}

/** A page of a list. */
export interface Page<Item> {
  items: Item[];
  next_cursor?: string | null;
}

interface NoParameters {
  path?: never;
  query?: never;
  header?: never;
  cookie?: never;
}
interface Json<Body> {
  headers: { [name: string]: unknown };
  content: { 'application/json': Body };
}
interface Answers<Body> {
  200: Json<Body>;
  default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': Schemas['Problem'] } };
}
interface Read<Answer> {
  parameters: NoParameters;
  requestBody?: never;
  responses: Answers<Answer>;
}
interface Write<Body, Answer> {
  parameters: NoParameters;
  requestBody: { content: { 'application/json': Body } };
  responses: Answers<Answer>;
}
export interface PendingPaths {
  '/api/v1/notifications': { get: Read<Notifications> };
  '/api/v1/notifications/test': { post: Write<{ channel: string }, undefined> };
}
