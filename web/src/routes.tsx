/** Every route of the page, and what its address may say. Pages are loaded when somebody goes there. */
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
  retainSearchParams,
  type SearchSchemaInput,
} from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { validDeadLetterSearch, type DeadLetterSearch } from './pages/dead-letters/search';
import { NewWork } from './pages/newwork/NewWork';
import { validFilterSearch, type FilterSearch } from './parts/filters';
import { EmptyState, Skeleton } from './parts/States';
import { keptProject } from './shell/project';
import { Shell } from './shell/Shell';
import { answers, UnloadedPage } from './shell/UnloadedPage';

export interface RootSearch {
  project?: string;
}

const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value.slice(0, 200) : undefined);

let isFirstLoad = true;

function Page() {
  return (
    <>
      <Shell />
      <NewWork />
    </>
  );
}

const root = createRootRoute({
  component: Page,
  notFoundComponent: () => <EmptyState title="There is no such page">The address names none.</EmptyState>,
  validateSearch: (search: { project?: string } & SearchSchemaInput): RootSearch => ({ project: text(search.project) }),
  search: { middlewares: [retainSearchParams(['project'])] },
  // The project of the last visit, when the address says none.
  beforeLoad: ({ search, location }) => {
    const kept = isFirstLoad ? keptProject() : undefined;
    isFirstLoad = false;
    if (kept && !search.project)
      throw redirect({ to: location.pathname, search: { ...location.search, project: kept }, replace: true });
  },
});

/** What the address of a list says: its filters, and which row is looked at. */
export interface ListSearch extends FilterSearch {
  row?: string;
  sort?: 'newest';
}
export const validListSearch = (search: Record<string, unknown>): ListSearch => ({
  ...validFilterSearch(search),
  row: text(search.row),
  sort: search.sort === 'newest' ? 'newest' : undefined,
});
const listSearch = (search: Partial<ListSearch> & SearchSchemaInput) => validListSearch(search as Record<string, unknown>);

const rowSearch = (search: { row?: string } & SearchSchemaInput) => ({ row: text(search.row) });
/** What the address of a page with filters of its own says: plain words under these names. */
const wordSearch =
  <Name extends string>(...names: Name[]) =>
  (search: Partial<Record<Name, string>> & SearchSchemaInput) =>
    Object.fromEntries(names.map((name) => [name, text(search[name])])) as Partial<Record<Name, string>>;

const under = () => root;

/** A page that is loaded when somebody goes there. While the daemon is gone, one that says so stands in its place. */
const page = <Name extends string = 'default'>(load: () => Promise<Record<Name, () => ReactNode>>, name = 'default' as Name) =>
  lazyRouteComponent(
    () =>
      load().catch(async (error: unknown) => {
        // A daemon that answers is another version: the router then loads the whole anew.
        if (await answers()) throw error;
        return { [name]: UnloadedPage } as Record<Name, () => ReactNode>;
      }),
    name,
  );

const index = createRoute({
  getParentRoute: under,
  path: '/',
  beforeLoad: ({ search }) => {
    throw redirect({ to: '/work', search, replace: true });
  },
});

const login = createRoute({
  getParentRoute: under,
  path: '/login',
  beforeLoad: () => {
    throw redirect({ to: '/work', search: {}, replace: true });
  },
});

const work = createRoute({
  getParentRoute: under,
  path: '/work',
  validateSearch: listSearch,
  component: page(() => import('./pages/work/WorkPage')),
});

const sessions = createRoute({
  getParentRoute: under,
  path: '/work/sessions',
  validateSearch: listSearch,
  component: page(() => import('./pages/work/SessionsPage')),
});

const specs = createRoute({
  getParentRoute: under,
  path: '/work/specs',
  validateSearch: listSearch,
  component: page(() => import('./pages/work/LaterPages'), 'SpecsPage'),
});
const errors = createRoute({
  getParentRoute: under,
  path: '/work/errors',
  validateSearch: listSearch,
  component: page(() => import('./pages/work/LaterPages'), 'ErrorsPage'),
});

const inbox = createRoute({
  getParentRoute: under,
  path: '/inbox',
  validateSearch: (search: { row?: string } & SearchSchemaInput) => ({ row: text(search.row) }),
  component: page(() => import('./pages/inbox/InboxPage')),
});

// What is wanted, and each try at it.
const assignment = createRoute({
  getParentRoute: under,
  path: '/assignments/$id',
  validateSearch: (search: { tab?: string; row?: string } & SearchSchemaInput) => ({
    tab: search.tab === 'timeline' || search.tab === 'diff' ? (search.tab as 'timeline' | 'diff') : undefined,
    row: text(search.row),
  }),
  component: page(() => import('./pages/assignment/AssignmentPage')),
});
const attempt = createRoute({
  getParentRoute: under,
  path: '/attempts/$id',
  // The job need not be said, but spares a question.
  validateSearch: (search: { job?: string; view?: string } & SearchSchemaInput) => ({
    job: text(search.job),
    view: search.view === 'stages' ? ('stages' as const) : undefined,
  }),
  component: page(() => import('./pages/attempt/AttemptPage')),
});
const jobs = createRoute({
  getParentRoute: under,
  path: '/jobs',
  validateSearch: listSearch,
  component: page(() => import('./pages/jobs/JobsPage')),
});
const job = createRoute({ getParentRoute: under, path: '/jobs/$id', component: page(() => import('./pages/attempt/JobPage')) });
const deadLetters = createRoute({
  getParentRoute: under,
  path: '/dead-letters',
  validateSearch: (search: Partial<DeadLetterSearch> & SearchSchemaInput) => validDeadLetterSearch(search as Record<string, unknown>),
  component: page(() => import('./pages/dead-letters/DeadLettersPage')),
});

// Agents, and figures.
const agents = createRoute({
  getParentRoute: under,
  path: '/agents',
  validateSearch: (search: Partial<ListSearch> & { view?: string } & SearchSchemaInput) => ({ ...validListSearch({ ...search }), view: text(search.view) }),
  component: page(() => import('./pages/agents/AgentsPage')),
});
const agent = createRoute({
  getParentRoute: under,
  path: '/agents/$id',
  validateSearch: rowSearch,
  component: page(() => import('./pages/agents/AgentPage')),
});
const charts = createRoute({
  getParentRoute: under,
  path: '/charts',
  validateSearch: (search: { since?: string } & SearchSchemaInput) => ({ since: text(search.since) }),
  component: page(() => import('./pages/charts/ChartsPage')),
});

// The engine.
const workers = createRoute({
  getParentRoute: under,
  path: '/workers',
  component: page(() => import('./pages/workers/WorkersPage')),
});
const operations = createRoute({
  getParentRoute: under,
  path: '/operations',
  validateSearch: listSearch,
  component: page(() => import('./pages/operations/OperationsPage')),
});
const operation = createRoute({
  getParentRoute: under,
  path: '/operations/$id',
  component: page(() => import('./pages/operations/OperationPage')),
});
const files = createRoute({
  getParentRoute: under,
  path: '/files',
  component: page(() => import('./pages/files/FilesPage')),
});
const events = createRoute({
  getParentRoute: under,
  path: '/events',
  validateSearch: wordSearch('kinds', 'assignment', 'job', 'row'),
  component: page(() => import('./pages/events/EventsPage')),
});
const housekeeping = createRoute({
  getParentRoute: under,
  path: '/housekeeping',
  component: page(() => import('./pages/housekeeping/HousekeepingPage')),
});

// Code.
const projects = createRoute({
  getParentRoute: under,
  path: '/projects',
  validateSearch: listSearch,
  component: page(() => import('./pages/projects/ProjectsPage')),
});
const project = createRoute({
  getParentRoute: under,
  path: '/projects/$name',
  component: page(() => import('./pages/projects/ProjectPage')),
});
const branches = createRoute({
  getParentRoute: under,
  path: '/branches',
  validateSearch: listSearch,
  component: page(() => import('./pages/branches/BranchesPage')),
});
const locks = createRoute({
  getParentRoute: under,
  path: '/locks',
  validateSearch: listSearch,
  component: page(() => import('./pages/locks/LocksPage')),
});
const findings = createRoute({
  getParentRoute: under,
  path: '/findings',
  validateSearch: listSearch,
  component: page(() => import('./pages/findings/FindingsPage')),
});
const deployments = createRoute({
  getParentRoute: under,
  path: '/deployments',
  component: page(() => import('./pages/deployments/DeploymentsPage')),
});

// Who may do what, and how it is set up.
const settings = createRoute({
  getParentRoute: under,
  path: '/settings',
  validateSearch: wordSearch('q'),
  component: page(() => import('./pages/settings/SettingsPage')),
});
const notifications = createRoute({
  getParentRoute: under,
  path: '/notifications',
  component: page(() => import('./pages/notifications/NotificationsPage')),
});
const tokens = createRoute({
  getParentRoute: under,
  path: '/tokens',
  component: page(() => import('./pages/access/AccessPage')),
});
const audit = createRoute({
  getParentRoute: under,
  path: '/audit',
  validateSearch: wordSearch('who', 'action', 'since', 'until', 'row'),
  component: page(() => import('./pages/audit/AuditPage')),
});

export const router = createRouter({
  routeTree: root.addChildren([
    index,
    login,
    work,
    specs,
    errors,
    sessions,
    inbox,
    assignment,
    attempt,
    jobs,
    job,
    agents,
    agent,
    charts,
    workers,
    deadLetters,
    operations,
    operation,
    files,
    housekeeping,
    projects,
    project,
    events,
    branches,
    locks,
    findings,
    deployments,
    settings,
    notifications,
    tokens,
    audit,
  ]),
  defaultPendingComponent: () => <Skeleton />,
  defaultPendingMs: 150,
  // Addresses are for people: plain words, no JSON.
  parseSearch: (search) => Object.fromEntries(new URLSearchParams(search)),
  stringifySearch: (search) => {
    const given = Object.entries(search).filter(([, value]) => value !== undefined && value !== '');
    const text = new URLSearchParams(given as [string, string][]).toString();
    return text === '' ? '' : `?${text.replaceAll('%2C', ',').replaceAll('%3A', ':')}`;
  },
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
