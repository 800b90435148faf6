import { useQuery } from '@tanstack/react-query';

import { notifications, settings, type Notifications } from '@/api/people';
import { NOTICE_WORDS } from '@/notices/kinds';
import { Asked } from '@/parts/Asked';
import { capital } from '@/parts/capital';
import { cleanLine } from '@/parts/clean';
import { DataTable } from '@/parts/DataTable';
import { AssignmentLink, JobLink } from '@/parts/LinkTo';
import { Nothing, Section } from '@/parts/Section';
import { StatusWord } from '@/parts/StatusWord';
import { RelativeTime } from '@/parts/times';

import classes from './notifications.module.css';
import { SendTest } from './SendTest';

const BY: Record<string, string> = { email: 'e-mail', webhook: 'webhook', slack: 'Slack webhook' };
const WORDS: Record<string, string> = NOTICE_WORDS;
const words = (kind: string) => WORDS[kind] ?? cleanLine(kind).replaceAll('_', ' ');
/** What a channel is told of. */
const toldOf = ({ kinds, projects }: Notifications['channels'][number]) =>
  kinds.map(words).join(', ') + (projects.length > 0 ? ` of ${projects.map((project) => cleanLine(project)).join(', ')}` : '');

/** Whom the daemon tells, whether that worked, and what was told lately. */
export function Channels() {
  const asking = useQuery(notifications);
  return (
    <Asked asking={asking} bars={6}>
      {({ channels, recent }) => <Tables channels={channels} recent={recent} />}
    </Asked>
  );
}

function Tables({ channels, recent }: Notifications) {
  const known = useQuery(settings).data?.items;
  const hasNoLink = channels.length > 0 && known && !known.find(({ key }) => key === 'notify.page_url')?.value;
  return (
    <>
      <Section title="Channels" about="set in the configuration">
        <DataTable
          label="Channels"
          columns={[
            { head: 'Channel', width: '14%' },
            { head: 'By', width: '120px' },
            { head: 'To', wraps: true },
            { head: 'Tells of', wraps: true },
            { head: 'Last told', width: '110px' },
            { head: 'Last trouble', wraps: true },
            { head: 'What can be done', acts: true, wraps: true, width: '200px' },
          ]}
          rows={channels.map((channel) => ({
            key: channel.name,
            cells: [
              cleanLine(channel.name),
              BY[channel.kind] ?? cleanLine(channel.kind),
              <code key="target">{cleanLine(channel.target)}</code>,
              toldOf(channel),
              channel.last_sent_at ? <RelativeTime key="sent" at={channel.last_sent_at} focusable /> : 'not yet',
              channel.last_error && <span className={classes.bad}>{capital(cleanLine(channel.last_error))}</span>,
              <SendTest key="test" channel={channel.name} />,
            ],
          }))}
          empty="Nobody is told yet. Channels (e-mail, webhook, Slack) are named in the configuration file, under [notify.NAME]."
        />
        {hasNoLink ? (
          <Nothing>
            Messages carry no link to this page, because the daemon does not know its address. Set <code>page_url</code> under <code>[notify]</code> in the configuration file to make them.
          </Nothing>
        ) : null}
      </Section>
      <Section title="Lately">
        <DataTable
          label="Lately"
          columns={[
            { head: 'What', wraps: true },
            { head: 'State', width: '110px' },
            { head: 'Kind', width: '190px' },
            { head: 'Channel', width: '130px' },
            { head: 'When', width: '110px' },
            { head: 'Trouble', wraps: true },
          ]}
          rows={recent.map((told) => ({
            key: told.id,
            cells: [
              <About key="about" told={told} />,
              <StatusWord key="state" status={told.state} />,
              words(told.kind),
              cleanLine(told.channel),
              <RelativeTime key="at" at={told.at} focusable />,
              told.error && `${capital(cleanLine(told.error))}${told.tries > 1 ? ` (${told.tries} tries)` : ''}`,
            ],
          }))}
          empty="Nothing was told yet."
        />
      </Section>
    </>
  );
}

/** What was told, leading to what it is about. */
function About({ told }: { told: Notifications['recent'][number] }) {
  const title = cleanLine(told.title);
  if (told.assignment_id) return <AssignmentLink id={told.assignment_id}>{title}</AssignmentLink>;
  if (told.job_id) return <JobLink id={told.job_id}>{title}</JobLink>;
  return title;
}
