// A temporary folder for a test, removed with it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';

export function scratchDirectory(t: Pick<TestContext, 'after'>): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'etcdfleet-slo-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
