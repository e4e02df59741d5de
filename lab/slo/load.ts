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
const patiently = { timeoutMilliseconds: 15_000 }; // a machine that starts a whole lab is busy

/** What evaluates rules, and by which metrics it tells whether it could read them. */
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
 * Has a running evaluator read its rule files anew, without a restart, and returns when its own API says that it evaluates
 * what they hold.
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

/** What is wrong with what the evaluator has; undefined when it has what is wanted. */
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
  return names.length > 0 ? `these groups are not the written ones: ${[...new Set(names)].join(', ')}` : undefined;
}

function notLoaded({ name }: Evaluator, reason: string): LabFailure {
  return new LabFailure(
    `${name} has not loaded the rules: ${reason}.`,
    `It goes on with those that it had. See \`npm run lab logs ${name}\`.`
  );
}
