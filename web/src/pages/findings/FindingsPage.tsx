import { useInfiniteQuery } from '@tanstack/react-query';

import { findings, type Finding } from '@/api/code';
import { cleanLine } from '@/parts/clean';
import { CopyButton } from '@/parts/CopyButton';
import { AssignmentLink } from '@/parts/LinkTo';
import { PaneHead } from '@/parts/PaneHead';
import { PlainListPage } from '@/parts/PlainListPage';
import { usePlainRows, useToAssignment } from '@/parts/plainRows';
import { Row } from '@/parts/Row';
import { Properties } from '@/parts/SplitPage';
import { EmptyState } from '@/parts/States';
import { StatusWord } from '@/parts/StatusWord';
import { RelativeTime } from '@/parts/times';
import { useList } from '@/parts/useList';

import { allowEntry } from './allow';
import classes from './findings.module.css';

const STATUSES: string[] = [];
const keyOf = (finding: Finding) => `${finding.assignment_id}-${finding.number}`;
const look = (finding: Finding) => ({
  project: finding.project,
  at: finding.found_at,
  words: [finding.path, finding.rule, finding.fingerprint, finding.assignment_id],
});
const place = (finding: Finding) => `${cleanLine(finding.path)}:${finding.line}:${finding.column}`;

/** What looks like secrets in work, for which it was not pushed. The secrets themselves are nowhere here. */
export default function FindingsPage() {
  const view = useList(STATUSES);
  const list = usePlainRows(useInfiniteQuery(findings(view.filters.project)), keyOf);
  const toAssignment = useToAssignment();
  return (
    <PlainListPage
      title="Findings"
      about="what looks like a secret in work; that work stays on this machine"
      view={view}
      {...list}
      {...toAssignment}
      look={look}
      renderRow={(finding, showProject) => (
        <Row
          status={<StatusWord status="blocked" />}
          title={<code>{place(finding)}</code>}
          text={
            <>
              {cleanLine(finding.rule)} <code>{cleanLine(finding.redacted)}</code>
            </>
          }
          tail={showProject ? cleanLine(finding.project) : ''}
          when={<RelativeTime at={finding.found_at} />}
        />
      )}
      renderPane={(finding, close) => <Pane finding={finding} close={close} />}
      empty={
        <EmptyState title="No secrets were found">
          Everything that a commit would bring is looked through before it is pushed; what stands in the way would be here.
        </EmptyState>
      }
    />
  );
}

function Pane({ finding, close }: { finding: Finding; close: () => void }) {
  const entry = allowEntry(finding);
  return (
    <>
      <PaneHead status={<StatusWord status="blocked" />} title={<code>{place(finding)}</code>} why={cleanLine(finding.rule)} close={close} />
      <Properties
        of={[
          ['Begins with', <code key="redacted">{cleanLine(finding.redacted)}</code>],
          ['Commit', finding.commit && <code key="commit">{cleanLine(finding.commit)}</code>],
          ['Project', cleanLine(finding.project)],
          ['Assignment', <AssignmentLink key="assignment" id={finding.assignment_id} />],
          ['Found', <RelativeTime key="found" at={finding.found_at} focusable />],
          ['Fingerprint', <code key="fingerprint">{cleanLine(finding.fingerprint)}</code>],
        ]}
      />
      <h3 className={classes.title}>If it is one</h3>
      <p className={classes.text}>Revoke it where it is valid, then retry the job and have the agent take it out.</p>
      <h3 className={classes.title}>If it is none</h3>
      <p className={classes.text}>
        Put this into <code>.windlass/secrets-allow.toml</code> of the base branch and push that, then retry the job. The branch itself cannot allow it.
      </p>
      <pre className={classes.entry} tabIndex={0} aria-label="What allows it">
        {entry}
      </pre>
      <CopyButton text={entry} />
    </>
  );
}
