/** Where one can go: the side bar, the bottom bar of a phone, the palette and the keys `g …` are made of this list. */
import {
  IconArchive,
  IconFiles,
  IconFileSearch,
  IconFolders,
  IconBell,
  IconChartBar,
  IconGitBranch,
  IconInbox,
  IconKey,
  IconListCheck,
  IconLock,
  IconPlugConnected,
  IconRobot,
  IconRocket,
  IconServer2,
  IconSettings,
  IconShieldLock,
  IconSkull,
  IconStack2,
  IconTimeline,
} from '@tabler/icons-react';

import { useHasTaskFiles } from '@/api/taskFiles';

export const PLACES = [
  { to: '/work', label: 'Work', Icon: IconListCheck, group: '', keys: 'g w', onPhone: true },
  { to: '/inbox', label: 'Needs you', Icon: IconInbox, group: '', keys: 'g i', onPhone: true },
  { to: '/jobs', label: 'Jobs', Icon: IconStack2, group: '', keys: 'g j', onPhone: false },
  { to: '/agents', label: 'Agents', Icon: IconRobot, group: '', keys: 'g a', onPhone: true },
  { to: '/charts', label: 'Charts', Icon: IconChartBar, group: '', keys: 'g c', onPhone: false },
  { to: '/workers', label: 'Workers, queues', Icon: IconServer2, group: 'Engine', keys: 'g q', onPhone: false },
  { to: '/dead-letters', label: 'Dead letters', Icon: IconSkull, group: 'Engine', keys: 'g d', onPhone: false },
  { to: '/operations', label: 'Operations', Icon: IconPlugConnected, group: 'Engine', keys: 'g o', onPhone: false },
  { to: '/files', label: 'Task files', Icon: IconFiles, group: 'Engine', keys: 'g v', onPhone: false },
  { to: '/events', label: 'Events', Icon: IconTimeline, group: 'Engine', keys: 'g e', onPhone: false },
  { to: '/housekeeping', label: 'Housekeeping', Icon: IconArchive, group: 'Engine', keys: 'g h', onPhone: false },
  { to: '/projects', label: 'Projects', Icon: IconFolders, group: 'Code', keys: 'g p', onPhone: false },
  { to: '/branches', label: 'Branches', Icon: IconGitBranch, group: 'Code', keys: 'g b', onPhone: false },
  { to: '/locks', label: 'Locks', Icon: IconLock, group: 'Code', keys: 'g l', onPhone: false },
  { to: '/findings', label: 'Findings', Icon: IconShieldLock, group: 'Code', keys: 'g f', onPhone: false },
  { to: '/deployments', label: 'Deployments', Icon: IconRocket, group: 'Code', keys: 'g y', onPhone: false },
  { to: '/settings', label: 'Settings', Icon: IconSettings, group: 'Admin', keys: 'g s', onPhone: false },
  { to: '/notifications', label: 'Notifications', Icon: IconBell, group: 'Admin', keys: 'g n', onPhone: false },
  { to: '/tokens', label: 'Tokens and users', Icon: IconKey, group: 'Admin', keys: 'g t', onPhone: false },
  { to: '/audit', label: 'Audit', Icon: IconFileSearch, group: 'Admin', keys: 'g u', onPhone: false },
] as const;

export type Place = (typeof PLACES)[number];

/** The places that this daemon has. */
export function usePlaces(): readonly Place[] {
  const hasFiles = useHasTaskFiles();
  return PLACES.filter((place) => place.to !== '/files' || hasFiles);
}
