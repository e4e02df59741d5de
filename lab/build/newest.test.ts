import assert from 'node:assert/strict';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';

import { temporaryDir } from '../testing.ts';
import { newestChange } from './newest.ts';

/** Returns a folder of files with the given modification times, in seconds since 1970. */
function folder(t: TestContext, changes: Record<string, number>): string {
  const root = temporaryDir(t);
  for (const [name, seconds] of Object.entries(changes)) {
    const file = path.join(root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, '');
    utimesSync(file, seconds, seconds);
  }
  return root;
}

test('the newest file counts, however deep it is', (t) => {
  const root = folder(t, { 'a.go': 10, 'b/c/d.go': 30, 'b/e.go': 20 });
  assert.equal(newestChange(root), 30_000);
  assert.equal(newestChange(path.join(root, 'a.go'), path.join(root, 'b', 'e.go')), 20_000);
});

test('tests and their data do not count', (t) => {
  const root = folder(t, { 'a.go': 10, 'a_test.go': 20, 'testdata/x.json': 30, 'view.test.tsx': 40 });
  assert.equal(newestChange(root), 10_000);
});

test('a file that does not exist has the time 0', () => assert.equal(newestChange('/does/not/exist'), 0));
