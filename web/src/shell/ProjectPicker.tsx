import { Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';

import { projects } from '@/api/queries';
import { cleanLine } from '@/parts/clean';

import { keep, useProject } from './project';

const ALL = '';

/** Which project is looked at; always in sight. */
export function ProjectPicker() {
  const [project, choose] = useProject();
  const { data } = useQuery(projects);
  const names = data?.items.map((p) => p.name) ?? [];
  // What the address says is kept only when there is such a project.
  const isKept = project === undefined || names.includes(project);
  useEffect(() => {
    if (isKept) keep(project);
  }, [isKept, project]);
  // One that is in the URL and is not known (any more) still says its name.
  if (project && !names.includes(project)) names.unshift(project);
  return (
    <Select
      aria-label="Project"
      w={{ base: '100%', sm: 180 }}
      data={[{ value: ALL, label: 'All projects' }, ...names.map((name) => ({ value: name, label: cleanLine(name) }))]}
      value={project ?? ALL}
      onChange={(value) => choose(value || undefined)}
      searchable={names.length > 8}
      allowDeselect={false}
      checkIconPosition="right"
      nothingFoundMessage="No such project"
    />
  );
}
