import assert from 'node:assert/strict';
import { test } from 'node:test';

import { nothing } from './counts.ts';
import { runLanes } from './lanes.ts';
import type { Step } from './step.ts';

test('lanes run side by side, the steps of a lane one after the other', async () => {
  const order: string[] = [];
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  const step = (name: string, run: () => Promise<void> | void): Step => ({
    name: `lanes.test ${name}`,
    run: async () => {
      order.push(name);
      await run();
      return { ...nothing, passed: 1 };
    },
  });
  // The first lane ends only if the second one runs meanwhile.
  const first = [step('waits', () => released), step('is next', () => {})];
  const second = [step('releases', release)];
  assert.equal((await runLanes([first, second])).passed, 3);
  assert.deepEqual(order.slice(0, 2).sort(), ['releases', 'waits'], 'which of two lanes begins is open');
  assert.deepEqual(order.slice(2), ['is next']);
});

test('a step that fails does not keep the others from running', async () => {
  const failing = { name: 'lanes.test failing', run: () => Promise.reject(new Error('no')) };
  const passing = { name: 'lanes.test passing', run: () => Promise.resolve({ ...nothing, passed: 2 }) };
  const counts = await runLanes([[failing, passing]]);
  assert.deepEqual([counts.passed, counts.failed], [2, 1]);
});
