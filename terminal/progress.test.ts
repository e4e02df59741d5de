import assert from 'node:assert/strict';
import { test } from 'node:test';

import { elapsed, showProgress, underWayLine } from './progress.ts';

const wording = { doing: 'Building', done: 'is built' };

function recorder(isTTY: boolean) {
  const written: string[] = [];
  return { written, terminal: { isTTY, columns: 30, write: (text: string) => written.push(text) } };
}

test('without a terminal each finished item is a plain line with n of m', () => {
  const { written, terminal } = recorder(false);
  const progress = showProgress(wording, 2, terminal);
  progress.begin('etcd');
  progress.done('etcd');
  progress.begin('thanos');
  progress.done('thanos');
  progress.end();
  assert.deepEqual(written, ['Building 1 of 2: etcd is built (0s)\n', 'Building 2 of 2: thanos is built (0s)\n']);
});

test('on a terminal one line is rewritten, no wider than the terminal, and cleared at the end', () => {
  const { written, terminal } = recorder(true);
  const progress = showProgress(wording, 2, terminal);
  progress.begin('a tool with a very long name indeed');
  progress.end();
  assert.deepEqual(written, ['\r\x1b[KBuilding 1 of 2: a tool with ', '\r\x1b[K']);
});

test('running items are shown with the longest time', () => {
  const underWay = new Map([
    ['etcd', 5_000],
    ['thanos', 65_000],
  ]);
  assert.equal(
    underWayLine(wording, { finished: 1, total: 4, underWay }, 125_000),
    'Building 2 of 4: etcd, thanos … 2m00s'
  );
});

for (const [milliseconds, want] of [
  [400, '0s'],
  [59_000, '59s'],
  [61_000, '1m01s'],
  [754_000, '12m34s'],
] as const) {
  test(`${milliseconds} ms are ${want}`, () => assert.equal(elapsed(0, milliseconds), want));
}
