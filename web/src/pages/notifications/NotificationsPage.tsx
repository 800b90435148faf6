import { useQuery } from '@tanstack/react-query';

import { notifications, testNotification } from '@/api/people';
import { asProblem } from '@/api/problem';
import { ActButton } from '@/parts/ActButton';
import { cleanLine } from '@/parts/clean';
import { DataTable } from '@/parts/DataTable';
import { PageHead } from '@/parts/PageHead';
import { Scroll, Section } from '@/parts/Section';
import { ErrorState, Skeleton } from '@/parts/States';
import { StatusWord } from '@/parts/StatusWord';
import { RelativeTime } from '@/parts/times';
import { useRefusal } from '@/shell/may';
import { useTitle } from '@/shell/title';

import classes from './notifications.module.css';

const KINDS: Record<string, string> = { email: 'e-mail', webhook: 'webhook', slack: 'Slack webhook' };
const words = (kind: string) => cleanLine(kind).replaceAll('_', ' ');

/** Whom the daemon tells of what, whether that worked, and what was told lately. */
export default function NotificationsPage() {
  useTitle('Notifications');
  const refusal = useRefusal('admin');
  const asking = useQuery(notifications);
  if (asking.isPending) return <Skeleton rows={10} />;
  if (!asking.data) return <ErrorState problem={asProblem(asking.error)} retry={() => void asking.refetch()} />;
  const { channels, recent } = asking.data;
  return (
    <>
      <PageHead title="Notifications" about="who is told of what, once for each occurrence" />
      <Scroll>
        <Section title="Channels" about="set in the configuration">
          <DataTable
            label="Channels"
            columns={[
              { head: 'Channel', width: '16%' },
              { head: 'By', width: '120px' },
              { head: 'To', wraps: true },
              { head: 'Tells of', wraps: true },
              { head: 'Last told', width: '110px' },
              { head: 'Last trouble', wraps: true },
              { head: 'What can be done', isRight: true, width: '130px' },
            ]}
            rows={channels.map((channel) => ({
              key: channel.name,
              cells: [
                cleanLine(channel.name),
                KINDS[channel.kind] ?? cleanLine(channel.kind),
                <code key="target">{cleanLine(channel.target)}</code>,
                channel.kinds.length > 0 ? channel.kinds.map(words).join(', ') : 'everything that needs somebody',
                channel.last_sent_at ? <RelativeTime key="sent" at={channel.last_sent_at} focusable /> : 'not yet',
                channel.last_error && <span className={classes.bad}>{cleanLine(channel.last_error)}</span>,
                <ActButton key="test" done={`A test was sent by ${cleanLine(channel.name)}`} act={() => testNotification(channel.name)} refused={refusal}>
                  Send a test
                </ActButton>,
              ],
            }))}
            empty="Nobody is told yet. Channels (e-mail, webhook, Slack) are named in the configuration file."
          />
        </Section>
        <Section title="Lately">
          <DataTable
            label="Lately"
            columns={[
              { head: 'What', wraps: true },
              { head: 'State', width: '110px' },
              { head: 'Kind', width: '130px' },
              { head: 'Channel', width: '130px' },
              { head: 'When', width: '110px' },
              { head: 'Trouble', wraps: true },
            ]}
            rows={recent.map((sent) => ({
              key: sent.id,
              cells: [
                cleanLine(sent.title),
                <StatusWord key="state" status={sent.state} />,
                words(sent.kind),
                cleanLine(sent.channel),
                <RelativeTime key="at" at={sent.at} focusable />,
                sent.error && `${cleanLine(sent.error)}${sent.attempts > 1 ? ` (${sent.attempts} tries)` : ''}`,
              ],
            }))}
            empty="Nothing was told yet."
          />
        </Section>
      </Scroll>
    </>
  );
}
