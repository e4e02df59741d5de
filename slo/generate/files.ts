// Every generated file of the SLOs.
import type { Definitions } from '../model/definitions.ts';
import { alertRules } from './alerts.ts';
import { allowlist } from './allowlist.ts';
import { globalRules } from './global.ts';
import { regionRules } from './region.ts';
import { yamlText, type RuleFile } from './rules.ts';

/** The rule files by their path below rules/; region.yaml is for Prometheus, the others are for Thanos rule. */
export function ruleFiles({ model, deployment }: Definitions): Record<string, RuleFile> {
  return {
    'recording/region.yaml': regionRules(model, deployment),
    'recording/global.yaml': globalRules(model, deployment),
    'alerts/slo.yaml': alertRules(model, deployment),
  };
}

/** The text of all files below rules/ that a deployment needs. `readExprs` are what others read. */
export function ruleTexts(definitions: Definitions, readExprs: string[], command: string): Record<string, string> {
  const rules = ruleFiles(definitions);
  const kept = allowlist(definitions.model, Object.values(rules), readExprs);
  const contents = { ...rules, 'scrape/allowlist.yaml': kept };
  return Object.fromEntries(
    Object.entries(contents).map(([file, content]) => [file, yamlText(content, 'slo/definitions', command)])
  );
}
