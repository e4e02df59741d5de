import { isPending, noRuns, overlay, reduceRuns, type RunEvent, type Runs, waitingRuns } from './runs';
import { testRow } from './testRows';

const request = '2026-11-23T17:40:00.5Z';
const row = testRow();
const { key } = row;

const requested: RunEvent = { type: 'requested', inspections: [row] };
const accepted: RunEvent = { type: 'accepted', key, request, now: 0 };

const after = (...events: RunEvent[]): Runs => events.reduce(reduceRuns, noRuns);
const observed = (change: Parameters<typeof testRow>[0], now = 1_000): RunEvent => ({
  type: 'observed',
  rows: [testRow(change)],
  now,
});

describe('a run', () => {
  it('is pending from the click on', () => {
    expect(isPending(after(requested).byKey[key])).toBe(true);
    expect(waitingRuns(after(requested))).toEqual([]);
  });

  it('waits as queued once it is accepted', () => {
    expect(waitingRuns(after(requested, accepted))).toMatchObject([{ state: 'queued', request, since: 0 }]);
  });

  it('stays queued while the cache that answers does not know of it', () => {
    const runs = after(requested, accepted, observed({ state: 'idle', answeredRequest: '2026-11-23T17:00:00Z' }));
    expect(runs.byKey[key]).toMatchObject({ phase: 'waiting', state: 'queued' });
  });

  it('shows that it has begun', () => {
    const runs = after(requested, accepted, observed({ state: 'running', request }));
    expect(runs.byKey[key]).toMatchObject({ phase: 'waiting', state: 'running', since: 1_000 });
  });

  it('ends when its request is answered, and its new row overtakes the panel’s', () => {
    const runs = after(requested, accepted, observed({ answeredRequest: request, outcome: 'Failed', lastRun: 5_000 }));
    expect(runs.byKey).toEqual({});
    expect(overlay([row], runs)).toMatchObject([{ outcome: 'Failed', lastRun: 5_000 }]);
  });

  it('ends when a later request of another client is answered', () => {
    const runs = after(requested, accepted, observed({ answeredRequest: '2026-11-23T17:40:09Z' }));
    expect(runs.byKey).toEqual({});
  });

  it('keeps the links of the panel’s own row', () => {
    const links = () => [{ href: '/d/x', title: 'x', target: undefined, origin: {} as never }];
    const runs = after(requested, accepted, observed({ answeredRequest: request }));
    expect(overlay([testRow({ links })], runs)[0].links).toBe(links);
  });

  it('is forgotten once the panel’s data is as new', () => {
    const finished = after(requested, accepted, observed({ answeredRequest: request, lastRun: 5_000 }));
    const refreshed = (lastRun: number) =>
      reduceRuns(finished, { type: 'refreshed', rows: [testRow({ lastRun })], now: 0 }).finished;
    expect(refreshed(4_000)).toHaveProperty([key]);
    expect(refreshed(5_000)).toEqual({});
  });

  it('that is refused says why until it is dismissed', () => {
    const refused = after(requested, { type: 'refused', key, message: 'no such cluster' });
    expect(refused.byKey[key]).toMatchObject({ phase: 'failed', message: 'no such cluster' });
    expect(isPending(refused.byKey[key])).toBe(false);
    expect(reduceRuns(refused, { type: 'dismissed', key }).byKey).toEqual({});
  });
});

describe('a run without progress', () => {
  const elapsed = (seconds: number): RunEvent => ({ type: 'elapsed', now: seconds * 1_000, timeoutSeconds: 120 });

  it('is followed until its time is over', () => {
    expect(waitingRuns(after(requested, accepted, elapsed(119)))).toHaveLength(1);
    expect(waitingRuns(after(requested, accepted, elapsed(120)))).toEqual([]);
  });

  it.each([
    ['queued', 'Queued for 2 min: is the cruiser of region gz running?', []],
    ['running', 'Running for 2 min: see the log of the cruiser of region gz.', [observed({ state: 'running' }, 0)]],
  ])('that is %s says what to look at', (_, message, events) => {
    const run = after(requested, accepted, ...events, elapsed(120)).byKey[key];
    expect(run).toMatchObject({ phase: 'failed', message: expect.stringContaining(message) });
  });

  it('restarts its time limit while its region’s queue moves', () => {
    const other = testRow({ cluster: 'gz-etcd-small' });
    const runs = after(
      { type: 'requested', inspections: [row, other] },
      accepted,
      { ...accepted, key: other.key },
      { type: 'observed', rows: [{ ...other, answeredRequest: request }], now: 100_000 },
      elapsed(120)
    );
    expect(waitingRuns(runs).map(({ inspection }) => inspection.key)).toEqual([key]);
  });

  it('still finds its answer later', () => {
    const runs = after(requested, accepted, elapsed(120), observed({ answeredRequest: request }));
    expect(runs.byKey).toEqual({});
  });
});

it('keeps its identity when nothing changes, so that nothing is drawn again', () => {
  const runs = after(requested, accepted);
  expect(reduceRuns(runs, observed({ cluster: 'another' }))).toBe(runs);
  expect(reduceRuns(runs, { type: 'elapsed', now: 1, timeoutSeconds: 120 })).toBe(runs);
});
