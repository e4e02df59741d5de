import { calibrated } from './trialTesting';
import { load, sitesOf, tryThreshold } from './trial';

test('a threshold that sees the slow writes detects the incident, the present one does not', async () => {
  const { source, incidents, time } = calibrated();
  const loaded = await load(source, { cluster: ['a'] }, 'put-latency', time);
  const figures = (threshold?: number) =>
    tryThreshold(loaded!, 'write-availability', 'put-latency', threshold, incidents).verdict.all;
  expect(figures()).toMatchObject({ detected: 0, incidents: 1, alerts: 0 });
  expect(figures(0.1)).toMatchObject({ detected: 1, incidents: 1, precision: 1 });
});

test('the diff changes the class of the clusters that were loaded, and is empty for the present threshold', async () => {
  const { source, incidents, time } = calibrated();
  const loaded = await load(source, { cluster: ['a'] }, 'put-latency', time);
  expect(sitesOf(loaded!, 'put-latency').map(({ name }) => name)).toEqual(['class default']);
  expect(tryThreshold(loaded!, 'write-availability', 'put-latency', 0.25, incidents).diff).toBe('');
  expect(tryThreshold(loaded!, 'write-availability', 'put-latency', 0.1, incidents).diff).toContain(
    '-      put-latency: 250ms\n+      put-latency: 100ms\n'
  );
});

test('bands show the incident, what would have fired and what really fired', async () => {
  const { source, incidents, time } = calibrated();
  const loaded = await load(source, { cluster: ['a'] }, 'put-latency', time);
  const [{ burn }] = tryThreshold(loaded!, 'write-availability', 'put-latency', 0.1, incidents).charts;
  expect(new Set(burn.bands!.map(({ kind }) => kind))).toEqual(new Set(['incident', 'firing', 'recorded']));
});

test('nothing is loaded where there are no events', async () => {
  const { time } = calibrated();
  expect(await load({ range: () => Promise.resolve([]) }, { cluster: ['a'] }, 'put-latency', time)).toBeUndefined();
});
