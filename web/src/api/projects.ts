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

export const project = (name: string) =>
  queryOptions({
    queryKey: ['project', name],
    queryFn: ({ signal }) => answer(client.GET('/api/v1/projects/{name}', { params: { path: { name } }, signal })),
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
export const putProject = (name: string, body: PutProject) => answer(client.PUT('/api/v1/projects/{name}', { params: { path: { name } }, body }));
/** Makes an assignment with the jobs it names, or none. */
export const createAssignment = (body: CreateAssignment) => answer(client.POST('/api/v1/assignments', { body }));
export const runGoal = (body: RunGoal) => answer(client.POST('/api/v1/assignments/run', { body }));
