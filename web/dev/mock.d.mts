import type { AgentSession, Me, Need, WorkItem } from '../src/api/types';

export interface World {
  work: WorkItem[];
  needs: Need[];
  sessions: AgentSession[];
  seq: number;
  events: unknown[];
  paused: boolean;
  storage?: string;
}
export interface Mock {
  url: string;
  world: World;
  signedIn: boolean;
  away: boolean;
  slowMs: number;
  me?: Me;
  requests: string[];
  emit(kind: string, ids?: Record<string, string>, data?: Record<string, unknown>): void;
  dropStreams(): void;
  stop(): Promise<void>;
}
export function makeWorld(rows: number): World;
export function start(options?: { port?: number; world?: World; moves?: boolean; page?: boolean }): Promise<Mock>;
