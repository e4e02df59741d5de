import { judge } from '../../slo/commands/judge.ts';
import type { Definitions } from '../../slo/model/definitions.ts';
import { LabFailure } from '../failure.ts';
import { type Lab, labLock } from '../lab.ts';
import { withLock } from '../supervisor/lock.ts';
import { isRunning } from '../supervisor/supervisor.ts';
import { evaluators, loadRules } from './load.ts';
import { ruleTexts, writeRules } from './rule-files.ts';

/** Rules that are ready to apply to a running lab: promtool and Thanos accept them. */
export interface CheckedRules {
  texts: Record<string, string>;
  /** The result of the checks. */
  verdict: string;
}

/** Returns the rules for the lab. Throws if they are invalid or no lab is running. */
export async function rulesToApply(lab: Lab, definitions?: Definitions): Promise<CheckedRules> {
  const down = evaluators(lab).filter((evaluator) => !isRunning(lab, evaluator));
  if (down.length > 0) {
    throw new LabFailure(
      `The rules cannot be applied: ${down.map(({ name }) => name).join(', ')} of the lab in ${lab.dir} does not run.`,
      'Start the lab with `npm run lab`, or name another with LAB_DIR and LAB_PORT_BASE.'
    );
  }
  const texts = ruleTexts(lab, definitions);
  return { texts, verdict: await judge(texts) };
}

/** Applies the rules to the running lab. Returns one line per step. */
export async function applyRules(lab: Lab, { texts, verdict }: CheckedRules): Promise<string[]> {
  const began = performance.now();
  const done = await withLock(labLock(lab), 'changing this lab', async () => {
    writeRules(lab, texts);
    return Promise.all(
      evaluators(lab).map(async (evaluator) => {
        await loadRules(evaluator);
        return `${evaluator.name} evaluates them.`;
      })
    );
  });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  return [verdict, ...done, `The rules are live in the lab in ${lab.dir} after ${seconds} s.`];
}
