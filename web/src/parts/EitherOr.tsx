import { SegmentedControl } from '@mantine/core';

/** Chooses between two ways to show something; both words stand there. */
export function EitherOr({ label, off, on, isOn, set }: { label: string; off: string; on: string; isOn: boolean; set: (isOn: boolean) => void }) {
  return <SegmentedControl size="xs" aria-label={label} data={[off, on]} value={isOn ? on : off} onChange={(word) => set(word === on)} transitionDuration={0} />;
}
