import { PageHead } from '@/parts/PageHead';
import { Nothing, Scroll, Section } from '@/parts/Section';
import { useRefusal } from '@/shell/may';
import { useTitle } from '@/shell/title';

import { BrowserSection } from './BrowserSection';
import { Channels } from './Channels';

/** Whom the daemon tells of what, and what this browser tells by itself. */
export default function NotificationsPage() {
  useTitle('Notifications');
  const refusal = useRefusal('admin');
  return (
    <>
      <PageHead title="Notifications" about="who is told of what, once for each occurrence" />
      <Scroll>
        <BrowserSection />
        {refusal ? (
          <Section title="Channels">
            <Nothing>E-mail, webhooks and Slack are for admins. {refusal}</Nothing>
          </Section>
        ) : (
          <Channels />
        )}
      </Scroll>
    </>
  );
}
