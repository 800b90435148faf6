import { Button, Group } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

import { projects } from '@/api/queries';
import type { Project } from '@/api/types';
import { cleanLine } from '@/parts/clean';
import { PaneHead } from '@/parts/PaneHead';
import { PlainListPage } from '@/parts/PlainListPage';
import { Row } from '@/parts/Row';
import { Properties } from '@/parts/SplitPage';
import { EmptyState } from '@/parts/States';
import { RelativeTime } from '@/parts/times';
import { useList } from '@/parts/useList';
import { late } from '@/shell/late';
import { keepProject, useProject } from '@/shell/project';

import { settingsRows } from './settingsRows';

const AddProject = late(() => import('./AddProject'));

const STATUSES: string[] = [];
const NOTHING: Project[] = [];
const keyOf = (project: Project) => project.name;
// Not by the project that is looked at: this list is where one sees the others.
const look = (project: Project) => ({ at: project.created_at, words: [project.name, project.repo, project.settings.verify] });

/** Repositories and what their work is run with. */
export default function ProjectsPage() {
  const view = useList(STATUSES);
  const navigate = useNavigate();
  const [, choose] = useProject();
  const [isNew, setNew] = useState(false);
  const list = useQuery(projects);
  const open = (project: Project) => void navigate({ to: '/projects/$name', params: { name: project.name }, search: keepProject });
  return (
    <>
      <PlainListPage
        title="Projects"
        about="repositories, and what their work is run with"
        actions={<Button onClick={() => setNew(true)}>Add project…</Button>}
        view={view}
        rows={list.data?.items ?? NOTHING}
        asking={list}
        keyOf={keyOf}
        look={look}
        open={open}
        hrefOf={(project) => `/projects/${encodeURIComponent(project.name)}`}
        renderRow={(project) => (
          <Row
            status={cleanLine(project.name)}
            title={project.repo ? <code>{cleanLine(project.repo)}</code> : 'no repository'}
            text={project.settings.verify ? `check: ${cleanLine(project.settings.verify)}` : 'no check of its own'}
            tail={project.trusted ? 'its own file is trusted' : ''}
            when={<RelativeTime at={project.updated_at} />}
          />
        )}
        renderPane={(project, close) => (
          <>
            <PaneHead status={<strong>Project</strong>} title={cleanLine(project.name)} why={project.repo && <code>{cleanLine(project.repo)}</code>} close={close} />
            <Group gap={6} mt="xs">
              <Button variant="filled" onClick={() => open(project)}>
                Open
              </Button>
              <Button onClick={() => choose(project.name)}>Look at its work only</Button>
            </Group>
            <Properties
              of={[
                ['Branch', project.default_branch && <code>{cleanLine(project.default_branch)}</code>],
                ...settingsRows(project.settings).slice(0, 8).map(({ name, value }) => [name, value] as [string, string]),
                ['Changed', <RelativeTime key="changed" at={project.updated_at} focusable />],
              ]}
            />
          </>
        )}
        empty={
          <EmptyState title="No projects yet">
            Let a repository join with the button above, or with <code>windlass init</code> in it. The first work in a repository makes its project, too.
          </EmptyState>
        }
      />
      {isNew ? <AddProject known={(list.data?.items ?? NOTHING).map(keyOf)} close={() => setNew(false)} /> : null}
    </>
  );
}
