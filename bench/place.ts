// Where the benchmark finds programs and keeps its files.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { LabFailure } from '../lab/failure.ts';
import { openLab } from '../lab/lab.ts';

export interface Place {
  /** Seeds, logs and data. It can be deleted after a run, but seeds make the next run faster. */
  directory: string;
  /** The lab's programs. */
  bin: string;
}

export function openPlace(): Place {
  const lab = openLab(process.env);
  return { directory: path.join(lab.root, '.lab', 'bench'), bin: lab.bin };
}

export function programOf({ bin }: Place, name: 'prometheus' | 'thanos'): string {
  const program = path.join(bin, name);
  if (!existsSync(program)) {
    throw new LabFailure(
      `There is no ${program}.`,
      `Build it with: npm run lab -- build ${name}, or set ETCDFLEET_BIN.`
    );
  }
  return program;
}
