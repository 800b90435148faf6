import { Link } from '@tanstack/react-router';

import classes from './WorkTabs.module.css';

const TABS = [
  { to: '/work', label: 'All Work' },
  { to: '/work/specs', label: 'Specs' },
  { to: '/work/errors', label: 'Errors' },
  { to: '/work/sessions', label: 'Sessions' },
] as const;

/** The views of the work page. Filters go along from one to the other. */
export function WorkTabs() {
  return (
    <nav className={classes.tabs} aria-label="Views of the work">
      {TABS.map((tab) => (
        <Link
          key={tab.to}
          to={tab.to}
          search={(old: object) => ({ ...old, row: undefined })}
          className={classes.tab}
          activeOptions={{ exact: true, includeSearch: false }}
          activeProps={{ 'data-active': true }}
        >
          {tab.label}
        </Link>
      ))}
    </nav>
  );
}
