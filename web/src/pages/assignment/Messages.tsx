import { Link } from '@tanstack/react-router';

import type { Job } from '@/api/types';
import { RelativeTime } from '@/parts/times';
import { keepProject } from '@/shell/project';

import classes from './Assignment.module.css';
import { messagesOf } from './messages';

/** What people wrote to the agent; its answer stands at the job that took it up. */
export function Messages({ jobs }: { jobs: readonly Job[] }) {
  const messages = messagesOf(jobs);
  if (messages.length === 0) return null;
  return (
    <section aria-label="Messages to the agent">
      <h2 className={classes.part}>
        Messages to the agent <span>{messages.length}</span>
      </h2>
      <ul className={classes.said}>
        {messages.map(({ job, text }) => (
          <li key={job.id}>
            <p className={classes.star}>{text}</p>
            <Link to="/jobs/$id" params={{ id: job.id }} search={keepProject}>
              job {job.position}
            </Link>{' '}
            · <RelativeTime at={job.created_at} />
          </li>
        ))}
      </ul>
    </section>
  );
}
