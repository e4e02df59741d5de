import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeFiles } from '../files.ts';
import { checkRules, checkThanosRules, findProgram } from '../promtool.ts';
import { UsageError } from './command.ts';

const judges = { promtool: checkRules, thanos: checkThanosRules };

/** Has promtool and Thanos check rule files by their text, and says so. Throws when one finds a fault. */
export async function judge(texts: Record<string, string>): Promise<string> {
  const programs = (Object.keys(judges) as Array<keyof typeof judges>).filter(findProgram);
  if (programs.length === 0) {
    return 'The rules were not checked: npm run lab -- build promtool builds what checks them.';
  }
  const directory = mkdtempSync(path.join(tmpdir(), 'etcdfleet-slo-'));
  try {
    writeFiles(directory, texts);
    const rules = Object.keys(texts).filter((file) => !file.startsWith('scrape/'));
    for (const program of programs) {
      const { ok, output } = await judges[program](rules.map((file) => path.join(directory, file)));
      if (!ok) {
        const fault = output.replaceAll(`${directory}/`, '').trim();
        throw new UsageError(
          `${program} refuses the rules that follow from the definitions; nothing was written.\n${fault}`
        );
      }
    }
    return `${programs.join(' and ')} ${programs.length === 1 ? 'finds' : 'find'} no fault in the rules.`;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
