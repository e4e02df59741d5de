import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { faults } from '../faults/all.ts';
import { describeFault } from '../faults/fault.ts';
import { clusterTarget, memberTarget, regionTarget, tlsClusterTarget } from '../faults/targets.ts';
import { openLab } from '../lab.ts';
import { conflicts, toHeal } from './fault.ts';

const lab = openLab({});
const active = (fault: string, target: string, holds: string[] = [target]) => ({
  fault,
  target,
  holds,
  outlivesStop: false,
  since: '',
});
const killed = active('kill-member', 'gz-etcd-small-1');
const paused = active('pause-member', 'sh-etcd-large-0');
const thanos = active('stop-thanos', '', ['thanos-query']);
const all = [killed, paused, thanos];

for (const [args, want] of [
  [[], all],
  [['kill-member'], [killed]],
  [['pause-member', 'sh-etcd-large-0'], [paused]],
  [['pause-member', 'sh-etcd-large'], [paused]],
  [['stop-thanos'], [thanos]],
] as const) {
  test(`heal ${args.join(' ')} heals ${want.map(describeFault).join(', ')}`, () => {
    assert.deepEqual(toHeal(all, [...args]), want);
  });
}

test('healing an inactive fault lists the active ones', () => {
  assert.throws(() => toHeal([killed], ['corrupt']), {
    message: 'The fault corrupt is not active.',
    remedy: 'Active: kill-member gz-etcd-small-1.',
  });
  assert.throws(() => toHeal([], []), { message: 'No fault is active.' });
});

for (const [a, b, want] of [
  [killed, active('pause-member', 'gz-etcd-small-1'), true],
  [killed, active('corrupt', 'gz-etcd-small-1', []), true],
  [killed, paused, false],
  [thanos, thanos, true],
  [active('stop-api', 'gz', ['gz-etcd-apiserver']), active('stop-cruiser', 'gz', ['gz-cruiser']), false],
  [active('stop-api', 'gz', ['gz-etcd-apiserver']), active('pause-api', 'gz', ['gz-etcd-apiserver']), true],
] as const) {
  test(`${describeFault(a)} and ${describeFault(b)} ${want ? 'exclude each other' : 'can be active together'}`, () => {
    assert.equal(conflicts(a, b), want);
  });
}

test('docs/lab.md has every fault with what it does', () => {
  const rows = readFileSync(path.join(lab.root, 'docs/lab.md'), 'utf8').matchAll(/^\| `([a-z-]+)[^|]*` +\|/gm);
  const documented = [...rows].map(([, name]) => name);
  assert.deepEqual(
    faults.map(({ name }) => name).filter((name) => !documented.includes(name)),
    []
  );
});

test('every fault has a unique name, a summary and an effect', () => {
  assert.equal(new Set(faults.map(({ name }) => name)).size, faults.length);
  assert.ok(faults.every(({ summary, effect }) => summary !== '' && effect !== ''));
});

test('a cluster fault takes the default cluster or the named one', () => {
  assert.equal(clusterTarget(lab, []), 'gz-etcd-default');
  assert.equal(clusterTarget(lab, ['sh-etcd-small']), 'sh-etcd-small');
});

test('a certificate fault takes a cluster that serves certificates', () => {
  assert.equal(tlsClusterTarget(lab, []), 'gz-etcd-large');
  assert.equal(tlsClusterTarget(lab, ['sh-etcd-large']), 'sh-etcd-large');
  assert.throws(() => tlsClusterTarget(lab, ['gz-etcd-small']), {
    message: 'gz-etcd-small serves no certificates.',
    remedy: 'Use one of: gz-etcd-large, sh-etcd-large.',
  });
});

test('a member is given by its full name or by its number', async () => {
  assert.equal(await memberTarget(lab, ['sh-etcd-small', '2']), 'sh-etcd-small-2');
  assert.equal(await memberTarget(lab, ['sh-etcd-small', 'sh-etcd-small-2']), 'sh-etcd-small-2');
});

test('the error for an unknown target lists the known ones', async () => {
  await assert.rejects(memberTarget(lab, ['gz-etcd-smal']), {
    message: 'There is no cluster gz-etcd-smal.',
    remedy: /gz-etcd-small, gz-etcd-default/,
  });
  await assert.rejects(memberTarget(lab, ['gz-etcd-small', '7']), { message: 'gz-etcd-small has no member 7.' });
  assert.throws(() => regionTarget(lab, ['xx']), { message: 'There is no region xx.', remedy: 'Use one of: gz, sh.' });
});
