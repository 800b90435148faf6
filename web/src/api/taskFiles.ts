/** Whether there is a shared directory of task files. */
import { useQuery } from '@tanstack/react-query';

import { settings } from './people';

/** Undefined until it is known. Asked of the settings, which every daemon has: the files themselves are refused where there are none. */
export function useHasTaskFiles(): boolean | undefined {
  const { data } = useQuery({ ...settings, staleTime: Infinity });
  if (!data) return undefined;
  // The folder of the task files alone says where the others are, too.
  return data.items.some(({ key, value }) => (key === 'files.root' || key === 'task_dir') && typeof value === 'string' && value !== '');
}
