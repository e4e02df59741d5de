import { testRow } from './testRows';
import { pollDelay } from './useRuns';

const waitingSince = (since: number) => ({
  phase: 'waiting' as const,
  inspection: testRow(),
  state: 'queued' as const,
  request: 'r',
  since,
});

it.each([
  ['every second at first', [0], 1_000, 1_000],
  ['less often later', [0], 10_000, 2_000],
  ['every three seconds at last', [0], 60_000, 3_000],
  ['every second again for a new run', [0, 60_000], 60_500, 1_000],
])('polls %s', (_, since, now, expected) => {
  expect(pollDelay(since.map(waitingSince), now)).toBe(expected);
});
