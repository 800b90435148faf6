import { Button } from '@mantine/core';
import type { ReactNode } from 'react';

import type { ApiProblem } from '@/api/problem';

import { capital } from './capital';
import { cleanText } from './clean';
import classes from './States.module.css';

/** A list or page with nothing in it: why, and what would fill it. */
export function EmptyState({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className={classes.state}>
      <p className={classes.title}>{title}</p>
      {children ? <div className={classes.text}>{children}</div> : null}
    </div>
  );
}

/** A question that was not answered, with nothing older to show. */
export function ErrorState({ problem, retry }: { problem: ApiProblem; retry?: () => void }) {
  return (
    <div className={classes.state} role="alert">
      <ProblemText problem={problem} />
      {retry ? <Button onClick={retry}>Try again</Button> : null}
    </div>
  );
}

/** A refusal, beside what was refused. */
export function ProblemAlert({ problem }: { problem: ApiProblem }) {
  return (
    <div className={classes.alert} role="alert">
      <ProblemText problem={problem} />
    </div>
  );
}

function ProblemText({ problem }: { problem: ApiProblem }) {
  return (
    <>
      <p className={classes.title}>{capital(cleanText(problem.title))}</p>
      <p className={classes.text}>{capital(cleanText(problem.message))}</p>
      {problem.hint ? <p className={classes.text}>{capital(cleanText(problem.hint))}</p> : null}
    </>
  );
}

/** Grey bars where rows will be; seen only when the answer takes longer than 150 ms. */
export function Skeleton({ rows = 8 }: { rows?: number }) {
  return (
    <div className={classes.skeleton} role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} />
      ))}
    </div>
  );
}
