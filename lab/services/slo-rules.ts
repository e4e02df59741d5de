import type { Lab } from '../lab.ts';
import { evaluators, loadRules } from '../slo/load.ts';
import { ruleTexts, rulesWrittenName, writeRules } from '../slo/rule-files.ts';
import type { Task } from '../supervisor/service.ts';
import { thanosRuleName } from './thanos.ts';

/** Writes the SLO rules that follow from slo/definitions. */
export function rulesWritten(lab: Lab): Task {
  return {
    name: rulesWrittenName,
    needs: [],
    explainedBy: thanosRuleName,
    async run() {
      writeRules(lab, ruleTexts(lab));
    },
  };
}

/** Has what ran already read them. */
export function rulesLoaded(lab: Lab): Task {
  return {
    name: 'slo-rules-loaded',
    needs: evaluators(lab).map(({ name }) => name),
    explainedBy: thanosRuleName,
    async run(signal) {
      await Promise.all(evaluators(lab).map((evaluator) => loadRules(evaluator, signal)));
    },
  };
}
