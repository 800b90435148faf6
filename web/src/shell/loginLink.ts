/** The one-time link of `windlass open`: `/login#CODE`. */
import { signIn } from '@/api/commands';
import { asProblem, type ApiProblem } from '@/api/problem';

/** Why the link of this visit did not sign anybody in; shown by the sign-in screen. */
export let linkProblem: ApiProblem | null = null;

/**
 * Signs in with the code of the address, if there is one. The code is taken out of the address first, so that it stays neither there nor in
 * the history.
 */
export async function enterByLink(): Promise<void> {
  if (window.location.pathname !== '/login') return;
  const code = window.location.hash.slice(1);
  window.history.replaceState(null, '', '/');
  if (code === '') return;
  try {
    await signIn({ code });
  } catch (error) {
    linkProblem = asProblem(error);
  }
}
