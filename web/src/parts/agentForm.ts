import type { Harness } from '@/api/types';

import { filled } from './forms';

/** Which agent, and what those need that are no agents of a maker: a program, a script. */
export interface AgentForm {
  harness: Harness | '';
  program: string;
  script: string;
}
export const NO_AGENT: AgentForm = { harness: '', program: '', script: '' };

/** What is missing of it, by field. */
export function agentProblems({ harness, program, script }: AgentForm): { program?: string; script?: string } {
  if (harness === 'command' && !filled(program)) return { program: 'The harness command needs a program.' };
  if (harness === 'simulated' && !filled(script)) return { script: 'The harness simulated needs a script.' };
  return {};
}

/** It as the API takes it; what another agent needed is left out. */
export const agentOf = ({ harness, program, script }: AgentForm) => ({
  harness: harness || undefined,
  program: harness === 'command' ? filled(program) : undefined,
  script: harness === 'simulated' ? script : undefined,
});
