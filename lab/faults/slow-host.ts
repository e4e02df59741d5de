import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { LabFailure } from '../failure.ts';
import { diskDelayFile } from '../lab.ts';
import type { Fault } from './fault.ts';
import { hostTarget } from './targets.ts';

/** Above every threshold of the SLI wal-fsync, below the election timeout. */
const delay = '250ms';

export const slowHost: Fault = {
  name: 'slow-host',
  targets: '[host]',
  summary: `lets each sync of the etcd members on one host take ${delay} longer, as on a slow disk`,
  effect:
    'The clusters whose leader is on the host write slowly: write-availability burns, and the diagnosis names the host.',
  outlivesStop: true,
  target: hostTarget,
  holds: () => [],
  async inject(lab, host) {
    if (process.platform !== 'linux') {
      throw new LabFailure('The fault slow-host needs Linux.', 'Use stutter-member for slow requests.');
    }
    const file = diskDelayFile(lab, host);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, delay);
  },
  async heal(lab, host) {
    rmSync(diskDelayFile(lab, host), { force: true });
  },
};
