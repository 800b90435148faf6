import { ActionIcon, AppShell, Kbd, Menu, Tooltip, UnstyledButton, useMantineColorScheme } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconDeviceDesktop, IconDots, IconHelp, IconLogout, IconMoon, IconSearch, IconSun, IconUser } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Outlet, useNavigate } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useState } from 'react';

import { signOut } from '@/api/commands';
import { goLive } from '@/api/live';
import { me } from '@/api/queries';
import { useNotices } from '@/notices/setting';
import { cleanLine } from '@/parts/clean';
import { ErrorBoundary } from '@/parts/ErrorBoundary';

import { Banner } from './Banner';
import { BottomBar, Navigation } from './Navigation';
import { late } from './late';
import navigation from './Navigation.module.css';
import { NoProject } from './NoProject';
import { usePlaces } from './places';
import { keepProject } from './project';
import { ProjectPicker } from './ProjectPicker';
import { saying } from './say';
import classes from './Shell.module.css';
import { listenForShortcuts, useShortcuts } from './shortcuts';
import { StatusLine } from './StatusLine';
import { TimeTip } from './TimeTip';

const Palette = late(() => import('./Palette'));
const HelpSheet = late(() => import('./HelpSheet'));
// Nobody opened it: where it cannot be loaded there is no place to say so.
const Teller = lazy(() => import('@/notices/Teller').catch(() => ({ default: () => null })));

/** The frame of every page: where one is, what is looked at, how things stand, and the page. */
export function Shell() {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [isMenuOpen, menu] = useDisclosure(false);
  const [isPaletteOpen, setPalette] = useState(false);
  const [isHelpOpen, setHelp] = useState(false);
  const notices = useNotices();
  const places = usePlaces();

  useEffect(() => goLive(queries), [queries]);
  useEffect(listenForShortcuts, []);
  useShortcuts([
    { keys: 'mod+k', does: 'Find anything, do anything', run: () => setPalette(true), inInputs: true },
    { keys: '?', does: 'Show the keys', run: () => setHelp(true) },
    ...places.map((place) => ({
      keys: place.keys,
      does: `Go to ${place.label}`,
      run: () => void navigate({ to: place.to, search: keepProject }),
    })),
  ]);

  return (
    <AppShell
      header={{ height: { base: 72, sm: 44 } }}
      footer={{ height: { base: 52, sm: 0 } }}
      navbar={{ width: 196, breakpoint: 'sm', collapsed: { mobile: !isMenuOpen } }}
      transitionDuration={0}
      classNames={{ root: classes.root, header: classes.header, navbar: classes.navbar, main: classes.main, footer: classes.footer }}
    >
      <AppShell.Header>
        <a href="#main" className={classes.skip}>
          Skip to the page
        </a>
        <span className={classes.brand} aria-hidden>
          Windlass
        </span>
        <ProjectPicker />
        <div className={classes.status}>
          <StatusLine />
        </div>
        <UnstyledButton className={classes.find} onClick={() => setPalette(true)} aria-label="Find anything">
          <IconSearch size={14} aria-hidden />
          <span>Find</span>
          <Kbd size="xs">Ctrl K</Kbd>
        </UnstyledButton>
        <Tooltip label="Keys">
          <ActionIcon aria-label="Show the keys" onClick={() => setHelp(true)} visibleFrom="sm">
            <IconHelp size={17} />
          </ActionIcon>
        </Tooltip>
        <PersonMenu />
      </AppShell.Header>
      <AppShell.Navbar>
        <Navigation onGo={menu.close} />
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1}>
        <Banner />
        <NoProject />
        <div className={classes.page}>
          <ErrorBoundary>
            <Outlet />
          </ErrorBoundary>
        </div>
      </AppShell.Main>
      <AppShell.Footer hiddenFrom="sm">
        <BottomBar
          more={
            <UnstyledButton className={navigation.link} onClick={menu.toggle} aria-expanded={isMenuOpen}>
              <IconDots size={16} aria-hidden />
              <span className={navigation.label}>More</span>
            </UnstyledButton>
          }
        />
      </AppShell.Footer>
      <TimeTip />
      {isPaletteOpen ? <Palette close={() => setPalette(false)} /> : null}
      {isHelpOpen ? <HelpSheet close={() => setHelp(false)} /> : null}
      <Suspense>{notices.kinds && notices.permission === 'granted' ? <Teller kinds={notices.kinds} /> : null}</Suspense>
    </AppShell>
  );
}

function PersonMenu() {
  const { data } = useQuery(me);
  const queries = useQueryClient();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const schemes = [
    { is: 'auto', label: 'As the system', Icon: IconDeviceDesktop },
    { is: 'light', label: 'Light', Icon: IconSun },
    { is: 'dark', label: 'Dark', Icon: IconMoon },
  ] as const;
  const leave = () =>
    void saying('Signed out', signOut).then(() => queries.clear());
  return (
    <Menu position="bottom-end" width={220}>
      <Menu.Target>
        <ActionIcon aria-label="You and the colours">
          <IconUser size={17} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {data ? (
          <Menu.Label>
            {cleanLine(data.name)} · {data.scope}
          </Menu.Label>
        ) : null}
        <Menu.RadioGroup value={colorScheme} onChange={(value) => setColorScheme(value as typeof colorScheme)}>
          {schemes.map(({ is, label, Icon }) => (
            <Menu.RadioItem key={is} value={is} rightSection={<Icon size={15} aria-hidden />}>
              {label}
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={15} aria-hidden />} onClick={leave}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
