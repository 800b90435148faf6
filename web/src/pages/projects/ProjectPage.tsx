import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useState } from 'react';

import { project as question } from '@/api/projects';
import { asProblem } from '@/api/problem';
import { cleanLine } from '@/parts/clean';
import { RefusedButton } from '@/parts/ConfirmButton';
import { DataTable } from '@/parts/DataTable';
import { PageHead } from '@/parts/PageHead';
import { Scroll, Section } from '@/parts/Section';
import { Properties } from '@/parts/SplitPage';
import { ErrorState, Skeleton } from '@/parts/States';
import { RelativeTime } from '@/parts/times';
import { late } from '@/shell/late';
import { useRefusal } from '@/shell/may';
import { keepProject, useProject } from '@/shell/project';
import { useTitle } from '@/shell/title';

import classes from './projects.module.css';
import { settingsRows } from './settingsRows';
import { TrustSection } from './TrustSection';

const EditSettings = late(() => import('./EditSettings'));

/** One project: its repository, what its work is run with, and what of its own file is trusted. */
export default function ProjectPage() {
  const { name } = useParams({ from: '/projects/$name' });
  useTitle(name);
  const [, choose] = useProject();
  const refusal = useRefusal('admin');
  const [isEditing, setEditing] = useState(false);
  const asking = useQuery(question(name));
  if (asking.isPending) return <Skeleton rows={10} />;
  if (!asking.data) return <ErrorState problem={asProblem(asking.error)} retry={() => void asking.refetch()} />;
  const project = asking.data;
  return (
    <>
      <PageHead
        title={cleanLine(project.name)}
        about={
          <Link to="/projects" search={keepProject}>
            all projects
          </Link>
        }
      >
        <Button onClick={() => choose(project.name)}>Look at its work only</Button>
      </PageHead>
      <Scroll>
        <Section title="Repository">
          <div className={classes.inset}>
            <Properties
              of={[
                ['Repository', project.repo ? <code key="repo">{cleanLine(project.repo)}</code> : 'none: its jobs only run, verify and settle'],
                ['Branch', project.default_branch && <code>{cleanLine(project.default_branch)}</code>],
                ['Added', <RelativeTime key="made" at={project.created_at} focusable />],
                ['Changed', <RelativeTime key="changed" at={project.updated_at} focusable />],
              ]}
            />
          </div>
        </Section>
        <Section
          title="Settings"
          about="what is not listed is as the daemon has it"
          actions={
            // A project without a repository is the daemon's own, and has nothing to set.
            project.repo ? refusal ? <RefusedButton reason={refusal}>Change…</RefusedButton> : <Button onClick={() => setEditing(true)}>Change…</Button> : null
          }
        >
          <DataTable
            label="Settings"
            columns={[{ head: 'Setting', width: '220px' }, { head: 'Value', wraps: true }]}
            rows={settingsRows(project.settings).map(({ key, name: label, value }) => ({ key, cells: [label, value] }))}
            empty="It has none of its own."
          />
        </Section>
        {project.repo ? <TrustSection project={project} /> : null}
      </Scroll>
      {isEditing ? <EditSettings project={project} close={() => setEditing(false)} /> : null}
    </>
  );
}
