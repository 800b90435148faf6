/** What concerns the code of the work: its branches, locks and found secrets. */
import { answer, client } from './client';
import { pages, PAGE_SIZE } from './queries';
import type { components } from './schema';

type Schemas = components['schemas'];
export type Branch = Schemas['Branch'];
export type FileLock = Schemas['FileLock'];
export type Finding = Schemas['Finding'];

export const branches = (project?: string) =>
  pages(['branches', project] as const, (cursor, signal) =>
    answer(client.GET('/api/v1/branches', { params: { query: { project, cursor, limit: PAGE_SIZE } }, signal })),
  );

export const locks = (project?: string) =>
  pages(['locks', project] as const, (cursor, signal) =>
    answer(client.GET('/api/v1/locks', { params: { query: { project, cursor, limit: PAGE_SIZE } }, signal })),
  );

export const findings = (project?: string) =>
  pages(['findings', project] as const, (cursor, signal) =>
    answer(client.GET('/api/v1/findings', { params: { query: { project, cursor, limit: PAGE_SIZE } }, signal })),
  );

const of = (assignment: string) => ({ params: { path: { assignment } } });

export const markMerged = (assignment: string) => answer(client.POST('/api/v1/branches/{assignment}/merged', of(assignment)));
export const releaseBranch = (assignment: string) => answer(client.POST('/api/v1/branches/{assignment}/release', of(assignment)));
