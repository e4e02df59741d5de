import type { Lab } from '../lab.ts';
import { evaluators, loadRules } from '../slo/load.ts';
import { ruleTexts, writeRules } from '../slo/rule-files.ts';
import type { Task } from '../supervisor/service.ts';
import { firstScrapesName } from './first-scrapes.ts';
import { thanosRuleName } from './thanos.ts';

/**
 * Writes the SLO rules that follow from slo/definitions and loads them. It does so only after every member has been
 * scraped: a new lab has only a few minutes of history, and failures during its start would fire alerts for as long.
 */
export function sloRules(lab: Lab): Task {
  return {
    name: 'slo-rules',
    needs: [firstScrapesName, ...evaluators(lab).map(({ name }) => name)],
    explainedBy: thanosRuleName,
    async run(signal) {
      writeRules(lab, ruleTexts(lab));
      await Promise.all(evaluators(lab).map((evaluator) => loadRules(evaluator, signal)));
    },
  };
}
