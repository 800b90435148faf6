import type { Finding } from '@/api/runs';
import { cleanLine } from '@/parts/clean';

import classes from './Assignment.module.css';

/** What looks like secrets in the work: while there is any, nothing of it is pushed. */
export function Findings({ findings }: { findings: readonly Finding[] }) {
  if (findings.length === 0) return null;
  return (
    <section aria-label="Findings">
      <h2 className={classes.part}>
        Secrets found <span>{findings.length}</span>
      </h2>
      <p className={classes.none}>Nothing of the work is pushed while these are in it.</p>
      <ul className={classes.findings}>
        {findings.map((finding) => (
          <li key={finding.number}>
            <b>{cleanLine(finding.rule)}</b>{' '}
            <code>
              {cleanLine(finding.path)}:{finding.line}:{finding.column}
            </code>{' '}
            begins with <code>{cleanLine(finding.redacted)}</code>
            {finding.commit ? (
              <>
                {' '}
                in commit <code>{finding.commit.slice(0, 10)}</code>
              </>
            ) : null}
            <div className={classes.none}>
              fingerprint <code>{cleanLine(finding.fingerprint)}</code>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
