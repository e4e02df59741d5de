import assert from 'node:assert/strict';
import { test } from 'node:test';

import { LabFailure, describeFailure, reasonOf } from './failure.ts';

test('a failure is shown with its log and its remedy, without a stack trace', () => {
  const failure = new LabFailure('etcd did not start. The end of its log:', 'Free the disk.', 'line 1\nline 2\n');
  assert.equal(
    describeFailure(failure),
    'etcd did not start. The end of its log:\n    line 1\n    line 2\n\n→ Free the disk.'
  );
});

test('an unexpected error keeps its stack', () => {
  assert.match(describeFailure(new Error('a defect')), /a defect\n\s+at /);
});

test('the reason names every cause', () => {
  const fetching = new Error('fetch failed', { cause: new Error('refused') });
  assert.equal(reasonOf(new Error('no release', { cause: fetching })), 'no release: fetch failed: refused');
});
