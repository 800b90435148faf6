import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';

import { projects } from '@/api/queries';
import { cleanLine } from '@/parts/clean';

import classes from './Banner.module.css';
import { useProject } from './project';

/** Says over every page that the address names a project that is none. */
export function NoProject() {
  const [project, choose] = useProject();
  const { data } = useQuery(projects);
  if (!project || !data || data.items.some(({ name }) => name === project)) return null;
  return (
    <div className={classes.banner} role="status">
      There is no project {cleanLine(project)}.<Button onClick={() => choose(undefined)}>Look at all projects</Button>
    </div>
  );
}
