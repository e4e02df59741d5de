import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeFiles } from '../files.ts';
import { checkRules, findProgram } from '../promtool.ts';
import { UsageError } from './command.ts';

/** Has promtool check rule files by their text, and says so. Throws when it finds a fault. */
export async function judge(texts: Record<string, string>): Promise<string> {
  if (!findProgram('promtool')) {
    return 'The rules were not checked: npm run lab -- build promtool builds what checks them.';
  }
  const directory = mkdtempSync(path.join(tmpdir(), 'etcdfleet-slo-'));
  try {
    writeFiles(directory, texts);
    const rules = Object.keys(texts).filter((file) => !file.startsWith('scrape/'));
    const { ok, output } = await checkRules(rules.map((file) => path.join(directory, file)));
    if (!ok) {
      const fault = output.replaceAll(`${directory}/`, '').trim();
      throw new UsageError(`promtool refuses the rules that follow from the definitions; nothing was written.\n${fault}`);
    }
    return 'promtool finds no fault in the rules.';
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
