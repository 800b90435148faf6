import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';

import { asProblem } from '@/api/problem';

import { ErrorState, Skeleton } from './States';

/** What is made of an answer: before it grey bars, for a refusal that, with a way to ask again. */
export function Asked<Data>({ asking, bars = 3, children }: { asking: UseQueryResult<Data>; bars?: number; children: (data: Data) => ReactNode }) {
  if (asking.data !== undefined) return <>{children(asking.data)}</>;
  if (asking.isPending) return <Skeleton rows={bars} />;
  return <ErrorState problem={asProblem(asking.error)} retry={() => void asking.refetch()} />;
}
