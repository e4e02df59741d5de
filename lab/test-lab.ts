import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before } from 'node:test';

import { openLab } from './lab.ts';
import { type LabOptions, type RunningLab, labCommand, startLab } from './running-lab.ts';

export interface TestLab {
  options: LabOptions;
  /** Set once the tests run. */
  running: RunningLab;
  /** What its start printed. */
  startOutput: string;
}

/**
 * The lab of a test file: the one of LAB_DIR and LAB_PORT_BASE if LAB_DIR is set, which several files use one after the
 * other, otherwise one in a temporary folder that ends with the file. A file leaves the lab without faults.
 */
export function testLab(portBase: number): TestLab {
  const shared = process.env.LAB_DIR !== undefined;
  const { dir, portBase: sharedPorts } = openLab();
  const temporary = shared ? undefined : mkdtempSync(path.join(tmpdir(), 'etcdfleet-lab-'));
  const options = temporary ? { dir: path.join(temporary, 'lab'), portBase } : { dir, portBase: sharedPorts };
  const lab = { options, startOutput: '' } as TestLab;
  before(async () => {
    lab.running = await startLab({ ...options, onOutput: (text) => (lab.startOutput += text) });
  });
  after(async () => {
    if (temporary) {
      await labCommand(options, ['stop']);
      rmSync(temporary, { recursive: true, force: true });
    }
  });
  return lab;
}
