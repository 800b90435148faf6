import { useQuery, useQueryClient } from '@tanstack/react-query';

import { trust, trustCandidate } from '@/api/projects';
import { asProblem } from '@/api/problem';
import type { Project } from '@/api/types';
import { ActButton } from '@/parts/ActButton';
import { cleanLine, cleanText } from '@/parts/clean';
import { Section } from '@/parts/Section';
import { ProblemAlert, Skeleton } from '@/parts/States';
import { useRefusal } from '@/shell/may';

import classes from './projects.module.css';

/** What of the repository's own settings would be run, whole, and the way to trust exactly that. */
export function TrustSection({ project }: { project: Project }) {
  const refusal = useRefusal('admin');
  const queries = useQueryClient();
  const asking = useQuery(trustCandidate(project.name));
  const candidate = asking.data;
  const files = Object.entries(candidate?.files ?? {});
  const words = !candidate
    ? 'what its own file would have run'
    : files.length === 0
      ? 'the repository brings no settings of its own'
      : candidate.trusted
        ? 'trusted: check, setup and prompts of these files count'
        : project.trusted
          ? 'changed since it was trusted: only what runs nothing counts'
          : 'not trusted: only what runs nothing counts';
  return (
    <Section
      title="Trust"
      about={words}
      actions={
        candidate && files.length > 0 && !candidate.trusted ? (
          <ActButton
            variant="filled"
            done={`${project.name}: these files are trusted`}
            act={async () => {
              await trust(project.name, candidate.hash);
              await queries.invalidateQueries({ queryKey: ['project', project.name] });
            }}
            refused={refusal}
            confirm={{ question: `Have the commands below run on this machine, for all work of ${cleanLine(project.name)}? Every change of these files asks again.`, yes: 'Trust them' }}
          >
            Trust these files…
          </ActButton>
        ) : null
      }
    >
      {asking.isPending ? <Skeleton rows={3} /> : null}
      {asking.error && !candidate ? (
        <div className={classes.inset}>
          <ProblemAlert problem={asProblem(asking.error)} />
        </div>
      ) : null}
      {candidate && files.length > 0 ? (
        <div className={classes.inset}>
          <p className={classes.hash}>
            As of commit <code>{cleanLine(candidate.commit).slice(0, 12)}</code>, named by <code>{cleanLine(candidate.hash)}</code>
            {project.trusted && project.trusted !== candidate.hash ? (
              <>
                ; trusted so far: <code>{cleanLine(project.trusted)}</code>
              </>
            ) : null}
          </p>
          {files.map(([path, text]) => (
            <figure key={path} className={classes.file}>
              <figcaption>
                <code>{cleanLine(path)}</code>
              </figcaption>
              <pre tabIndex={0} aria-label={cleanLine(path)}>
                {cleanText(text)}
              </pre>
            </figure>
          ))}
        </div>
      ) : null}
    </Section>
  );
}
