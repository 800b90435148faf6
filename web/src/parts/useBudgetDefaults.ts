import { useQuery } from '@tanstack/react-query';

import { settings } from '@/api/people';

import { budgetDefaults } from './budgetDefaults';
import type { BudgetDefaults } from './BudgetFields';

/** What counts where work, or a project, says no limit itself, by the settings that the daemon has now. */
export const useBudgetDefaults = (whose: 'daemon' | 'project'): BudgetDefaults => budgetDefaults(useQuery({ ...settings, retry: false }).data?.items, whose);
