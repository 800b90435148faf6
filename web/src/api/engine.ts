/** What the engine is made of: workers, nodes, breakers, the machine, housekeeping; and what can be done with them. */
import { queryOptions } from '@tanstack/react-query';

import { answer, client } from './client';
import { PAGE_SIZE } from './queries';
import type { components } from './schema';

type Schemas = components['schemas'];
export type Breaker = Schemas['BreakerView'];
export type Doctor = Schemas['Doctor'];
export type DoctorCheck = Schemas['DoctorCheck'];
export type HarnessLook = Schemas['HarnessLook'];
export type HarnessPark = Schemas['HarnessParked'];
export type EngineNode = Schemas['Node'];
export type WorkerStatus = Schemas['WorkerStatus'];
export type FilesStatus = Schemas['FilesStatus'];
export type Housekeeping = Schemas['Housekeeping'];
export type HousekeepingRun = Schemas['HousekeepingRun'];
export type Backup = Schemas['Backup'];

/** The daemon's state with each worker's slots; unlike `daemon`, it follows every job. */
export const workers = queryOptions({
  queryKey: ['workers', 'status'],
  queryFn: ({ signal }) => answer(client.GET('/api/v1/status', { signal })),
});

/** The work that waits, as far as one question tells: why each piece is held. */
export const held = (project?: string) =>
  queryOptions({
    queryKey: ['held', project],
    queryFn: ({ signal }) =>
      answer(client.GET('/api/v1/work', { params: { query: { project, status: 'waiting', limit: PAGE_SIZE } }, signal })),
  });

/** Nodes tell each other that they are there without an event, so they are asked now and then. */
export const nodes = queryOptions({
  queryKey: ['nodes'],
  queryFn: ({ signal }) => answer(client.GET('/api/v1/nodes', { signal })),
  refetchInterval: 15_000,
});

export const breakers = queryOptions({
  queryKey: ['breakers'],
  queryFn: ({ signal }) => answer(client.GET('/api/v1/breakers', { signal })),
});

/** Looks at the machine anew each time: it takes the daemon a moment. */
export const doctor = queryOptions({
  queryKey: ['doctor'],
  queryFn: ({ signal }) => answer(client.GET('/api/v1/doctor', { signal })),
});

/** The shared directory of task files. A daemon that serves none refuses with 404. */
export const taskFiles = queryOptions({
  queryKey: ['files'],
  queryFn: ({ signal }) => answer(client.GET('/api/v1/files', { signal })),
  refetchInterval: 5_000,
});

export const outsideDeadLetters = queryOptions({
  queryKey: ['dead-letters', 'files'],
  queryFn: ({ signal }) => answer(client.GET('/api/v1/files/dead-letters', { params: { query: { limit: 100 } }, signal })),
});

export const housekeeping = queryOptions({
  queryKey: ['housekeeping'],
  queryFn: ({ signal }) => answer(client.GET('/api/v1/housekeeping', { signal })),
  refetchInterval: 60_000,
});

export const unpark = (harness: HarnessPark['harness']) =>
  answer(client.POST('/api/v1/harnesses/{harness}/unpark', { params: { path: { harness } } }));
export const closeBreaker = ({ harness, account }: Pick<Breaker, 'harness' | 'account'>) =>
  answer(client.POST('/api/v1/breakers/{harness}/{account}/close', { params: { path: { harness, account } } }));
export const runHousekeeping = (isDry: boolean) => answer(client.POST('/api/v1/housekeeping', { body: { dry_run: isDry } }));
/** Begins to bring a backup back in place of all that is there; `housekeeping` tells how it went. */
export const restoreBackup = (path: string, force: boolean) => answer(client.POST('/api/v1/restore', { body: { path, force } }));
export const makeBackup = (path: string) => answer(client.POST('/api/v1/backup', { body: { path } }));
