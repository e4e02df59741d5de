import assert from 'node:assert/strict';
import { test } from 'node:test';

import { RunTally } from './soak.ts';

const counter = (cluster: string, check: string, outcome: string, runs: number) => ({
  metric: { region: 'gz', cluster, check, outcome },
  value: [0, String(runs)] as [number, string],
  values: [],
});

function tallyOf(...looks: Array<Array<ReturnType<typeof counter>>>): RunTally {
  const tally = new RunTally();
  looks.forEach((look) => tally.add(look));
  return tally;
}

test('runs are counted from the first sample, also across a counter reset', () => {
  const tally = tallyOf(
    [counter('gz-etcd', 'alarms', 'Passed', 100), counter('gz-etcd', 'alarms', 'Failed', 3)],
    [counter('gz-etcd', 'alarms', 'Passed', 104), counter('gz-etcd', 'alarms', 'Failed', 3)],
    [counter('gz-etcd', 'alarms', 'Passed', 2)]
  );
  assert.equal(tally.summary(), '6 runs: 6 Passed');
  assert.equal(tally.table(), 'RUNS    gz-etcd\nalarms  6');
  tally.requirePassed();
});

test('an outcome that appears later is reported with its cluster and check', () => {
  const tally = tallyOf(
    [counter('gz-etcd', 'alarms', 'Passed', 1)],
    [counter('gz-etcd', 'alarms', 'Passed', 2), counter('gz-etcd', 'alarms', 'Warning', 1)],
    [counter('gz-etcd', 'alarms', 'Passed', 3), counter('gz-etcd', 'alarms', 'Warning', 1)]
  );
  assert.equal(tally.summary(), '3 runs: 2 Passed, 1 Warning');
  assert.throws(() => tally.requirePassed(), { message: 'alarms of gz-etcd was Warning in 1 runs' });
});

test('an inspection that does not run is reported', () => {
  const look = [counter('gz-etcd', 'alarms', 'Passed', 7)];
  assert.throws(() => tallyOf(look, look).requirePassed(), { message: 'alarms of gz-etcd did not run' });
  assert.throws(() => tallyOf([]).requirePassed(), { message: 'There are no inspections.' });
});
