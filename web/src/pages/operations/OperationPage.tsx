import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';

import { operation as question, type Operation } from '@/api/operations';
import { asProblem } from '@/api/problem';
import { capital } from '@/parts/capital';
import { cleanLine, cleanText } from '@/parts/clean';
import { DataTable } from '@/parts/DataTable';
import { ExternalLink } from '@/parts/ExternalLink';
import { AssignmentLink } from '@/parts/LinkTo';
import { PageHead } from '@/parts/PageHead';
import { Nothing, Scroll, Section } from '@/parts/Section';
import { Properties } from '@/parts/SplitPage';
import { ErrorState, Skeleton } from '@/parts/States';
import { StatusWord } from '@/parts/StatusWord';
import { Elapsed, RelativeTime, Until } from '@/parts/times';
import { span } from '@/parts/timewords';
import { Why } from '@/parts/Why';
import { toDo } from '@/parts/toDo';
import { keepProject } from '@/shell/project';
import { useTitle } from '@/shell/title';

import { CancelOperation } from './OperationPane';
import classes from './operations.module.css';
import { callbackInWords, operationInWords, TYPE_WORDS } from './words';

/** One code operation: how it stands, what came of it, and whether its requester knows. */
export default function OperationPage() {
  const { id } = useParams({ from: '/operations/$id' });
  useTitle('Operation');
  const asking = useQuery(question(id));
  if (asking.isPending) return <Skeleton rows={10} />;
  if (!asking.data) return <ErrorState problem={asProblem(asking.error)} retry={() => void asking.refetch()} />;
  const operation = asking.data;
  const isRunning = operation.status === 'running';
  return (
    <>
      <PageHead
        title="Operation"
        about={
          <Link to="/operations" search={keepProject}>
            all operations
          </Link>
        }
      >
        <CancelOperation operation={operation} />
      </PageHead>
      <Scroll>
        <Section title="How it stands">
          <div className={classes.stand}>
            <p className={classes.what}>{cleanText(operation.description)}</p>
            <p>
              <StatusWord status={operation.status} /> <Why summary={operationInWords(operation)} until={operation.endedAt ? null : operation.hold?.until} />
            </p>
            {operation.hold?.hint && !operation.endedAt ? <p className={classes.hint}>{toDo(operation.hold.hint)}</p> : null}
            {isRunning ? (
              <p className={classes.progress}>
                <progress max={100} value={operation.progress.percent} aria-label="Progress" /> {operation.progress.percent} %
                {operation.progress.phase ? `, ${operation.progress.phase}` : ''}
              </p>
            ) : null}
            <Properties
              of={[
                ['Kind', TYPE_WORDS[operation.operationType]],
                ['Assignment', <AssignmentLink key="assignment" id={operation.id} />],
                ['Project', cleanLine(operation.project)],
                ['Organisation', cleanLine(operation.organizationId)],
                ['Session', cleanLine(operation.sessionId)],
                ['Branch', operation.branch && <code>{cleanLine(operation.branch)}</code>],
                ['Made', <RelativeTime key="made" at={operation.createdAt} focusable />],
                ['Ended', operation.endedAt && <RelativeTime key="ended" at={operation.endedAt} focusable />],
                [operation.endedAt ? 'Took' : 'For', <Elapsed key="took" from={operation.createdAt} to={operation.endedAt} />],
              ]}
            />
          </div>
        </Section>
        <Result operation={operation} />
        <Callback operation={operation} />
        <Section title="Addresses" about="where programs find its parts, on this server">
          <DataTable
            label="Addresses"
            columns={[{ head: 'Part', width: '120px' }, { head: 'Address', wraps: true }]}
            rows={Object.entries(operation.links).map(([name, address]) => ({ key: name, cells: [name, <code key="address">{cleanLine(address)}</code>] }))}
            empty="It has none."
          />
        </Section>
        {operation.request ? (
          <Section title="Request" about="as it was sent; a secret of its callback is not kept here">
            <pre className={classes.request} tabIndex={0} aria-label="Request">
              {cleanText(JSON.stringify(operation.request, null, 2))}
            </pre>
          </Section>
        ) : null}
      </Scroll>
    </>
  );
}

function Result({ operation }: { operation: Operation }) {
  const { result } = operation;
  return (
    <Section title="Result">
      {result ? (
        <div className={classes.stand}>
          {result.error ? <p className={classes.bad}>{capital(cleanText(result.error))}</p> : null}
          <Properties
            of={[
              ['Done', result.success ? 'yes' : 'no'],
              ['Branch', result.branch && <code>{cleanLine(result.branch)}</code>],
              ['Pull request', result.pr && <ExternalLink href={result.pr.url}>{`#${result.pr.number} ${cleanLine(result.pr.title)}`}</ExternalLink>],
              ['Commits', result.commits.length > 0 && result.commits.map((commit) => <code key={commit} className={classes.item}>{cleanLine(commit)}</code>)],
              ['Files', result.filesModified.length > 0 && result.filesModified.map((file) => <code key={file} className={classes.item}>{cleanLine(file)}</code>)],
              ['Rounds', result.iterations],
              ['Took', span(result.duration)],
            ]}
          />
        </div>
      ) : (
        <Nothing>{operation.endedAt ? 'It ended without one.' : 'It is told when the operation is over.'}</Nothing>
      )}
    </Section>
  );
}

function Callback({ operation }: { operation: Operation }) {
  const { callback } = operation;
  return (
    <Section title="Telling the requester">
      {callback ? (
        <div className={classes.stand}>
          <p>
            The requester {callbackInWords(callback)}
            {callback.status === 'due' && callback.dueAt && callback.tries > 0 ? (
              <>
                ; next try <Until at={callback.dueAt} happens />
              </>
            ) : null}
            .
          </p>
          {callback.problem ? <p className={classes.bad}>{capital(cleanText(callback.problem))}</p> : null}
          <Properties of={[['Delivery', <code key="id">{cleanLine(callback.deliveryId)}</code>]]} />
        </div>
      ) : (
        <Nothing>Nobody asked to be told.</Nothing>
      )}
    </Section>
  );
}
