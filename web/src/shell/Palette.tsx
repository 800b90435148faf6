import { Spotlight, createSpotlight } from '@mantine/spotlight';
import '@mantine/spotlight/styles.layer.css';
import { useDebouncedValue } from '@mantine/hooks';
import { IconArrowRight, IconFolder, IconListDetails, IconPlayerPause, IconPlayerPlay, IconSearch } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState, type ReactNode } from 'react';

import { pause, resume } from '@/api/commands';
import { daemon, projects, work } from '@/api/queries';
import { cleanLine } from '@/parts/clean';
import { StatusWord } from '@/parts/StatusWord';

import { doableNow } from './doable';
import { hasWords } from './hasWords';
import { useRefusal } from './may';
import classes from './Palette.module.css';
import { usePlaces } from './places';
import { keepProject, useProject } from './project';
import { saying } from './say';
import { shortcutsInForce } from './shortcuts';

const [store, spotlight] = createSpotlight();

interface Entry {
  id: string;
  label: string;
  icon: ReactNode;
  right?: ReactNode;
  run: () => void;
}

/** Finds places, projects, work and what can be done here, by words of it. */
export default function Palette({ close }: { close: () => void }) {
  const navigate = useNavigate();
  const [project, choose] = useProject();
  const [query, setQuery] = useState('');
  const [asked] = useDebouncedValue(query.trim(), 120);
  const found = useInfiniteQuery({ ...work({ filters: { q: asked, project }, sort: 'newest' }), enabled: asked.length > 1 });
  const names = useQuery(projects).data?.items.map((p) => p.name) ?? [];
  const isPaused = useQuery(daemon).data?.paused ?? false;
  const refusal = useRefusal('operate');
  const places = usePlaces();
  // What can be done on the page, as it was when the palette came.
  const [here] = useState(() => shortcutsInForce().filter((s) => !s.keys.startsWith('g ') && s.keys !== 'mod+k' && s.keys.length < 3));
  const [doable] = useState(doableNow);
  useEffect(() => spotlight.open(), []);

  const matches = (entry: Entry) => hasWords(entry.label, query);
  const groups: { label: string; entries: Entry[] }[] = [
    {
      label: 'Here',
      entries: [
        ...doable.map(({ does, run }) => ({ id: `do:${does}`, label: does, icon: <IconArrowRight size={16} />, run })),
        ...here.map((shortcut) => ({
          id: shortcut.keys,
          label: shortcut.does,
          icon: <IconArrowRight size={16} />,
          right: <kbd>{shortcut.keys}</kbd>,
          run: shortcut.run,
        })),
      ].filter(matches),
    },
    {
      label: 'Go to',
      entries: places.map((place) => ({
        id: place.to,
        label: place.label,
        icon: <place.Icon size={16} />,
        right: <kbd>{place.keys}</kbd>,
        run: () => void navigate({ to: place.to, search: keepProject }),
      })).filter(matches),
    },
    {
      label: 'Projects',
      entries: [undefined, ...names]
        .filter((name) => name !== project)
        .map((name) => ({
          id: `project:${name ?? ''}`,
          label: name ? `Project ${cleanLine(name)}` : 'All projects',
          icon: <IconFolder size={16} />,
          run: () => choose(name),
        }))
        .filter(matches)
        .slice(0, 8),
    },
    {
      label: 'Engine',
      entries: (refusal
        ? []
        : [
            isPaused
              ? { id: 'resume', label: 'Resume: let jobs start', icon: <IconPlayerPlay size={16} />, run: () => void saying('Jobs start again', resume) }
              : { id: 'pause', label: 'Pause: let no job start', icon: <IconPlayerPause size={16} />, run: () => void saying('Paused', pause) },
          ]
      ).filter(matches),
    },
    // Last, because it comes later than the rest: what is selected already stays under the finger.
    {
      label: 'Work',
      entries: (asked.length > 1 && query.trim() ? (found.data?.pages[0]?.items ?? []) : []).slice(0, 8).map((item) => ({
        id: item.id,
        label: cleanLine(item.title),
        icon: <IconListDetails size={16} />,
        right: <StatusWord status={item.status} />,
        run: () => void navigate({ to: '/assignments/$id', params: { id: item.id }, search: keepProject }),
      })),
    },
  ];
  // The daemon finds words anywhere in work; where other things have them in their names, only work that has, too, is shown.
  const isNamed = groups.some((group) => group.entries.some(matches));
  const shown = groups.map((group) => (isNamed ? { ...group, entries: group.entries.filter(matches) } : group)).filter((group) => group.entries.length > 0);

  return (
    <Spotlight.Root
      store={store}
      query={query}
      onQueryChange={setQuery}
      onSpotlightClose={close}
      shortcut={null}
      scrollable
      maxHeight={420}
      // The dialog's name, for screen readers; the field itself says what it is for.
      title="Find"
      styles={{ header: { display: 'none' } }}
      classNames={{ actionsGroup: classes.group }}
      overlayProps={{ blur: 0, backgroundOpacity: 0.3 }}
      transitionProps={{ duration: 0 }}
    >
      <Spotlight.Search
        placeholder="Find work, places, projects, actions"
        leftSection={<IconSearch size={16} />}
        aria-label="Find"
        onKeyDown={(event) => {
          // What was found after the last key is not selected by itself.
          if (event.key !== 'Enter' || document.querySelector('[data-action][data-selected]')) return;
          const first = shown[0]?.entries[0];
          if (!first) return;
          first.run();
          spotlight.close();
        }}
      />
      <Spotlight.ActionsList {...{ viewportProps: { tabIndex: 0 } }}>
        {shown.map((group) => (
          <Spotlight.ActionsGroup key={group.label} label={group.label}>
            {group.entries.map((entry) => (
              <Spotlight.Action
                key={entry.id}
                label={entry.label}
                leftSection={entry.icon}
                rightSection={entry.right}
                highlightQuery={false}
                onClick={entry.run}
              />
            ))}
          </Spotlight.ActionsGroup>
        ))}
        {shown.length === 0 ? <Spotlight.Empty>{found.isFetching ? 'Looking…' : 'Nothing has these words'}</Spotlight.Empty> : null}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  );
}
