/** Why somebody was not let in, by how they tried. */
import { ApiProblem } from '@/api/problem';

const REFUSED = {
  link: { title: 'That link was used or is too old', detail: 'Ask for a new one: windlass open, on the daemon’s machine.' },
  token: { title: 'Wrong token', detail: 'The daemon knows none like it, or it was taken back or has run out.' },
  password: { title: 'Wrong name or password', detail: 'No person who may sign in has both.' },
} as const;

/** A refusal in words for people: the daemon's own are the same for every way, and its hints are for programs. Any other problem stays as it is. */
export function refusedEntry(problem: ApiProblem, way: keyof typeof REFUSED): ApiProblem {
  return problem.status === 401 ? new ApiProblem({ status: 401, ...REFUSED[way] }) : problem;
}
