import assert from 'node:assert/strict';
import { test } from 'node:test';

import { type Finding, judge } from './diagnoses.ts';

const quiet: Finding = { severity: 'Quiet', suspect: 'None', member: '', host: '', statement: 'Nothing is known.' };
const slow = (host: string): Finding => ({
  severity: 'Degraded',
  suspect: 'Slow disk',
  member: 'gz-etcd-small-0',
  host,
  statement: `The disk of ${host} is slow.`,
});
const injection = { fault: 'slow-host', target: 'gz-node-0', cluster: 'gz-etcd-small', suspect: 'Slow disk' };

for (const [what, first, verdict] of [
  ['the cause with its host', slow('gz-node-0'), 'right'],
  ['the cause with another host', slow('gz-node-1'), 'wrong'],
  ['another cause', { ...slow('gz-node-0'), suspect: 'Member down' }, 'wrong'],
  ['nothing', quiet, 'not known'],
  ['a cause that is not known', { ...quiet, suspect: 'Not known', statement: 'It burns.' }, 'not known'],
] as const) {
  test(`${what} is ${verdict}`, () => assert.equal(judge(injection, 'gz-node-0', quiet, first), verdict));
}

test('what was found before the injection is no wrong finding', () =>
  assert.equal(judge(injection, 'gz-node-0', slow('gz-node-1'), slow('gz-node-1')), 'not known'));

test('a member fault must name its member', () => {
  const down = { ...slow('gz-node-0'), suspect: 'Member down' };
  const paused = { fault: 'pause-member', target: 'gz-etcd-small', cluster: 'gz-etcd-small', suspect: 'Member down' };
  assert.equal(judge(paused, 'gz-etcd-small-0', quiet, down), 'right');
  assert.equal(judge(paused, 'gz-etcd-small-1', quiet, down), 'wrong');
});

test('a fault of a region names none', () => {
  const away = { ...quiet, severity: 'Blind', suspect: 'Region away', statement: 'Away.' };
  const stopped = { fault: 'stop-api', target: 'gz', cluster: 'gz-etcd-small', suspect: 'Region away' };
  assert.equal(judge(stopped, 'gz', quiet, away), 'right');
});
