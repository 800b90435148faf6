import { Link } from '@tanstack/react-router';

import { keepProject } from '@/shell/project';

import classes from './Places.module.css';
import { verbPlaces } from './verbPlaces';

/** The pages on which is done what a text tells to do; nothing where it names none. */
export function Places({ text, project, job }: { text: string; project: string; job: string | null | undefined }) {
  const places = verbPlaces(text, project, job);
  if (places.length === 0) return null;
  return (
    <p className={classes.places}>
      {places.map(({ label, path }) => (
        <Link key={path} to={path} search={keepProject}>
          {label}
        </Link>
      ))}
    </p>
  );
}
