/** Projects, what of their repositories is trusted, and new work in them. */
import { queryOptions } from '@tanstack/react-query';

import { answer, client } from './client';
import type { components } from './schema';

type Schemas = components['schemas'];
export type CreateAssignment = Schemas['CreateAssignment'];
export type ProjectSettings = Schemas['ProjectSettings'];
export type PutProject = Schemas['PutProject'];
export type RunGoal = Schemas['RunGoal'];
export type TrustCandidate = Schemas['TrustCandidate'];

/** What the daemon calls the state that a project was last read in, by its name. */
const tags = new Map<string, string>();
export const tagOf = (name: string): string | undefined => tags.get(name);

export const project = (name: string) =>
  queryOptions({
    queryKey: ['project', name],
    queryFn: async ({ signal }) => {
      const request = client.GET('/api/v1/projects/{name}', { params: { path: { name } }, signal });
      const found = await answer(request);
      const tag = (await request).response.headers.get('etag');
      if (tag) tags.set(name, tag);
      return found;
    },
  });

/** What trusting it would trust. It is read from the repository each time. */
export const trustCandidate = (name: string) =>
  queryOptions({
    queryKey: ['project', name, 'trust'],
    queryFn: ({ signal }) => answer(client.GET('/api/v1/projects/{name}/trust', { params: { path: { name } }, signal })),
    retry: false,
  });

export const trust = (name: string, hash: string) =>
  answer(client.POST('/api/v1/projects/{name}/trust', { params: { path: { name } }, body: { hash } }));
/** Makes a project, or changes it: where a tag is given, only while it is in that state. */
export const putProject = (name: string, body: PutProject, tag?: string) =>
  answer(client.PUT('/api/v1/projects/{name}', { params: { path: { name }, header: { 'If-Match': tag } }, body }));
/** Makes an assignment with the jobs it names, or none. */
export const createAssignment = (body: CreateAssignment) => answer(client.POST('/api/v1/assignments', { body }));
export const runGoal = (body: RunGoal) => answer(client.POST('/api/v1/assignments/run', { body }));
