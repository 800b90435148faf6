/** The upper bounds of the daemon's latency buckets, in milliseconds; the last bucket has none. */
const BOUNDS = [1, 2, 5, 10, 25, 50, 100, 250, 1_000, 10_000];

/** How soon most came, as far as buckets tell: `half within 5 ms, 95 % within 25 ms`; nothing where nothing was counted. */
export function latencyInWords({ counts }: { counts: number[] }): string {
  const total = counts.reduce((sum, n) => sum + n, 0);
  if (total === 0) return '';
  const within = (share: number) => {
    let seen = 0;
    for (const [index, n] of counts.entries()) {
      seen += n;
      if (seen >= share * total) return BOUNDS[index] === undefined ? 'over 10 s' : `within ${BOUNDS[index] < 1_000 ? `${BOUNDS[index]} ms` : `${BOUNDS[index] / 1_000} s`}`;
    }
    return 'over 10 s';
  };
  return `half ${within(0.5)}, 95 % ${within(0.95)}`;
}
