/** Code operations: what services ask for. */
import { queryOptions } from '@tanstack/react-query';

import { answer, client } from './client';
import { pages, PAGE_SIZE } from './queries';
import type { components } from './schema';

type Schemas = components['schemas'];
export type Operation = Schemas['OperationView'];
export type OperationRequest = Schemas['OperationRequest'];
export type OperationResult = Schemas['OperationResult'];
export type OperationStatus = Schemas['OperationStatus'];
export type OperationType = Schemas['OperationType'];

export const operations = ({ status }: { status?: OperationStatus }) =>
  pages(['operations', status] as const, (cursor, signal) =>
    answer(client.GET('/api/v1/code-operations', { params: { query: { status, cursor, limit: PAGE_SIZE } }, signal })),
  );

export const operation = (id: string) =>
  queryOptions({
    queryKey: ['operation', id],
    queryFn: ({ signal }) => answer(client.GET('/api/v1/code-operations/{id}', { params: { path: { id } }, signal })),
  });

export const submitOperation = (body: OperationRequest, key: string) =>
  answer(client.POST('/api/v1/code-operations', { params: { header: { 'Idempotency-Key': key } }, body }));
export const cancelOperation = (id: string) => answer(client.POST('/api/v1/code-operations/{id}/cancel', { params: { path: { id } } }));
