import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';

import type { RuleFile } from '../../slo/generate/rules.ts';
import { LabFailure, reasonOf } from '../failure.ts';
import { httpOk } from '../http.ts';
import type { Lab } from '../lab.ts';
import { prometheusName, prometheusURL } from '../services/prometheus.ts';
import { thanosRuleName, thanosRuleURL } from '../services/thanos.ts';
import { type EvaluatedGroup, signatureOfEvaluated, signatureOfWritten } from './signature.ts';
import { globalRuleFiles, regionRuleFile } from './rule-files.ts';

const loadSeconds = 30;
const patiently = { timeoutMilliseconds: 15_000 }; // a machine that is starting a whole lab is busy

/** A process that evaluates rules, with the metric that reports whether it could load them. */
export interface Evaluator {
  name: string;
  url: string;
  files: string[];
  reloadMetric: string;
}

export function evaluators(lab: Lab): Evaluator[] {
  return [
    ...lab.plan.regions.map((region) => ({
      name: prometheusName(region),
      url: prometheusURL(region),
      files: [regionRuleFile(lab)],
      reloadMetric: 'prometheus_config_last_reload_successful',
    })),
    {
      name: thanosRuleName,
      url: thanosRuleURL(lab),
      files: globalRuleFiles(lab),
      reloadMetric: 'thanos_rule_config_last_reload_successful',
    },
  ];
}

/**
 * Makes a running evaluator reload its rule files without a restart. Returns when its API reports the rules of these
 * files.
 */
export async function loadRules(evaluator: Evaluator, signal?: AbortSignal): Promise<void> {
  const wanted = evaluator.files.flatMap((file) =>
    (parse(readFileSync(file, 'utf8')) as RuleFile).groups.map(signatureOfWritten)
  );
  const deadline = Date.now() + loadSeconds * 1000;
  await httpOk(`${evaluator.url}/-/reload`, { method: 'POST', timeoutMilliseconds: loadSeconds * 1000 }).catch(
    (error: unknown) => {
      throw notLoaded(evaluator, reasonOf(error));
    }
  );
  for (;;) {
    const difference = await differenceOf(evaluator, wanted).catch(reasonOf);
    if (difference === undefined) {
      return;
    }
    if (Date.now() > deadline) {
      throw notLoaded(evaluator, `after ${loadSeconds} s ${difference}`);
    }
    await sleep(200, undefined, { signal });
  }
}

/** Describes how the evaluator's rules differ from the wanted ones. Returns undefined if they are the same. */
async function differenceOf({ url, reloadMetric }: Evaluator, wanted: string[]): Promise<string | undefined> {
  const answer = await httpOk(`${url}/api/v1/rules`, patiently);
  const { data } = JSON.parse(answer) as { data: { groups: EvaluatedGroup[] } };
  const metrics = await httpOk(`${url}/metrics`, patiently);
  if (!new RegExp(`^${reloadMetric} 1$`, 'm').test(metrics)) {
    return `${reloadMetric} is not 1`;
  }
  const present = data.groups.map(signatureOfEvaluated);
  const names = [
    ...wanted.filter((group) => !present.includes(group)),
    ...present.filter((group) => !wanted.includes(group)),
  ].map((group) => (JSON.parse(group) as { name: string }).name);
  return names.length > 0 ? `these groups differ from the written ones: ${[...new Set(names)].join(', ')}` : undefined;
}

function notLoaded({ name }: Evaluator, reason: string): LabFailure {
  return new LabFailure(
    `${name} has not loaded the rules: ${reason}.`,
    `It continues with the previous rules. See \`npm run lab logs ${name}\`.`
  );
}
