import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { keepProject } from '@/shell/project';


/** Links to the things that have a page of their own; the project that is looked at goes along. */
export function AssignmentLink({ id, children }: { id: string; children?: ReactNode }) {
  return (
    <Link to="/assignments/$id" params={{ id }} search={keepProject}>
      {children ?? <code>{id}</code>}
    </Link>
  );
}
export function JobLink({ id, children }: { id: string; children?: ReactNode }) {
  return (
    <Link to="/jobs/$id" params={{ id }} search={keepProject}>
      {children ?? <code>{id}</code>}
    </Link>
  );
}
export function AttemptLink({ id, children }: { id: string; children?: ReactNode }) {
  return (
    <Link to="/attempts/$id" params={{ id }} search={keepProject}>
      {children ?? <code>{id}</code>}
    </Link>
  );
}
export function AgentLink({ id, children }: { id: string; children?: ReactNode }) {
  return (
    <Link to="/agents/$id" params={{ id }} search={keepProject}>
      {children ?? <code>{id}</code>}
    </Link>
  );
}
