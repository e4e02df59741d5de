import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';

import { type Lab, openLab } from './lab.ts';

/** Returns a lab in a temporary folder that is removed after the test. */
export function temporaryLab(t: TestContext, environment: NodeJS.ProcessEnv = {}): Lab {
  return openLab({ LAB_DIR: temporaryDir(t), LAB_PORT_BASE: '27000', ...environment });
}

export function temporaryDir(t: TestContext): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'etcdfleet-lab-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}
