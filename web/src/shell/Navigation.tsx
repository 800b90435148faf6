import { Tooltip, UnstyledButton } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';

import { stats } from '@/api/queries';

import { useOpenNewWork } from '@/pages/newwork/NewWork';

import { useRefusal } from './may';
import { usePlaces, PLACES, type Place } from './places';
import { keepProject, useProject } from './project';
import classes from './Navigation.module.css';

/** The side bar. */
export function Navigation({ onGo }: { onGo?: () => void }) {
  const places = usePlaces();
  const openNewWork = useOpenNewWork();
  const refusal = useRefusal('operate');
  const groups = [...new Set(places.map((place) => place.group))];
  return (
    <nav aria-label="Places" className={classes.side}>
      <Tooltip label={refusal} disabled={refusal === null}>
        <UnstyledButton
          className={classes.make}
          data-refused={refusal !== null || undefined}
          aria-disabled={refusal !== null || undefined}
          onClick={() => {
            if (refusal === null) onGo?.();
            openNewWork();
          }}
        >
          <IconPlus size={16} stroke={1.8} aria-hidden />
          <span className={classes.label}>New work</span>
          <kbd aria-hidden>c</kbd>
        </UnstyledButton>
      </Tooltip>
      {groups.map((group) => (
        <div key={group} className={classes.group}>
          {group ? <p className={classes.heading}>{group}</p> : null}
          {places.filter((place) => place.group === group).map((place) => (
            <PlaceLink key={place.to} place={place} onGo={onGo} />
          ))}
        </div>
      ))}
    </nav>
  );
}

/** The bar at the foot of a phone; `more` opens the side bar. */
export function BottomBar({ more }: { more: React.ReactNode }) {
  return (
    <nav aria-label="Main places" className={classes.bottom}>
      {PLACES.filter((place) => place.onPhone).map((place) => (
        <PlaceLink key={place.to} place={place} />
      ))}
      {more}
    </nav>
  );
}

function PlaceLink({ place, onGo }: { place: Place; onGo?: () => void }) {
  const [project] = useProject();
  const { data } = useQuery(stats(project));
  const number = place.to === '/inbox' ? data?.needs_you : place.to === '/agents' ? data?.agents?.active : undefined;
  return (
    <Link
      to={place.to}
      search={keepProject}
      className={classes.link}
      activeProps={{ 'data-active': true }}
      onClick={onGo}
    >
      <place.Icon size={16} stroke={1.8} aria-hidden />
      <span className={classes.label}>{place.label}</span>
      {number ? (
        <span className={classes.number} data-needs={place.to === '/inbox' || undefined}>
          {number}
          <span className="unseen">{place.to === '/inbox' ? ' waiting' : ' active'}</span>
        </span>
      ) : null}
    </Link>
  );
}
