import type { AgentSession } from '@/api/types';
import { cleanLine } from '@/parts/clean';

/** What to call a session: its title, else the folder it works in, else its agent's own name for it. */
export function sessionTitle(session: AgentSession): string {
  const folder = session.cwd?.split('/').findLast(Boolean);
  return cleanLine(session.title ?? (folder ? `In ${folder}` : session.agent_session_id ?? session.id));
}

/** What a session is for, in the words of jobs. */
export const sessionKind = (session: Pick<AgentSession, 'session_type'>): string => (session.session_type === 'implementation' ? 'implement' : cleanLine(session.session_type));

/** Tools in a few words: `24 tools, 96 % good`. */
export function toolsInWords(session: Pick<AgentSession, 'tools_used' | 'success_rate' | 'status'>): string {
  if (session.tools_used === 0) return session.status === 'ended' ? 'no tools' : 'no tools yet';
  const tools = session.tools_used === 1 ? '1 tool' : `${session.tools_used} tools`;
  return session.success_rate == null ? tools : `${tools}, ${Math.round(session.success_rate * 100)} % good`;
}
