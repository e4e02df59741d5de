import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';

import { runGraph } from './graph.ts';

const node = (name: string, ...needs: string[]) => ({ name, needs });

test('a node runs after those that it needs, in parallel with others', async () => {
  const log: string[] = [];
  let release = () => {};
  const b = new Promise<void>((resolve) => (release = resolve));
  await runGraph([node('c', 'a', 'b'), node('a'), node('b'), node('d', 'a')], async ({ name }) => {
    log.push(`${name} begins`);
    if (name === 'b') {
      await b;
    }
    if (name === 'd') {
      release();
    }
    log.push(`${name} ends`);
  });
  assert.deepEqual(log.slice(-2), ['c begins', 'c ends']);
  assert.ok(log.indexOf('d begins') < log.indexOf('b ends'));
});

test('the first failure is thrown, aborts the running nodes, and no dependent node starts', async () => {
  const ran: string[] = [];
  const run = async ({ name }: { name: string }, signal: AbortSignal) => {
    ran.push(name);
    if (name === 'bad') {
      throw new Error('bad luck');
    }
    await sleep(60_000, undefined, { signal });
  };
  await assert.rejects(runGraph([node('bad'), node('long'), node('after', 'bad')], run), /bad luck/);
  assert.deepEqual(ran, ['bad', 'long']);
});

test('a stop aborts the running nodes and starts no more', async () => {
  const stop = new AbortController();
  const ran: string[] = [];
  const running = runGraph(
    [node('a'), node('b', 'a')],
    async ({ name }, signal) => {
      ran.push(name);
      stop.abort();
      await sleep(60_000, undefined, { signal });
    },
    stop.signal
  );
  await assert.rejects(running, { name: 'AbortError' });
  assert.deepEqual(ran, ['a']);
});

for (const [what, nodes] of [
  ['circular', [node('a', 'b'), node('b', 'a')]],
  ['unknown', [node('a', 'x')]],
] as const) {
  test(`${what} needs are refused before anything runs`, async () => {
    const run = () => Promise.reject(new Error('must not run'));
    await assert.rejects(runGraph([...nodes], run), /circular or unknown needs: a needs/);
  });
}
