import { type Definitions, changeDeployment, loadDefinitions } from '../../slo/model/definitions.ts';
import { writeFiles } from '../../slo/files.ts';
import { ruleFiles } from '../../slo/generate/files.ts';
import { yamlText } from '../../slo/generate/rules.ts';
import { rememberedGrafana } from '../grafana/source.ts';
import { type Lab, etcFile } from '../lab.ts';
import { grafanaURL } from '../services/grafana.ts';
import { scrapeInterval, step } from './timing.ts';

/** The rule file of each Prometheus. */
export const regionRuleFile = (lab: Lab) => ruleFile(lab, 'recording/region.yaml');

/** The rule files of Thanos rule. */
export const globalRuleFiles = (lab: Lab) => [ruleFile(lab, 'recording/global.yaml'), ruleFile(lab, 'alerts/slo.yaml')];

/** Returns the rules with the lab's intervals and addresses, by file in its rules folder. Throws a DefinitionError. */
export function ruleTexts(lab: Lab, definitions: Definitions = loadDefinitions()): Record<string, string> {
  const source = rememberedGrafana(lab);
  const ofLab = changeDeployment(definitions, {
    scrapeInterval,
    step,
    grafanaUrl: source.kind === 'url' ? source.url : grafanaURL(lab),
  });
  return Object.fromEntries(
    Object.entries(ruleFiles(ofLab)).map(([file, rules]) => [file, yamlText(rules, 'slo/definitions', 'npm run lab')])
  );
}

export function writeRules(lab: Lab, texts: Record<string, string>): void {
  writeFiles(rulesDir(lab), texts);
}

const rulesDir = (lab: Lab) => etcFile(lab, 'rules');
const ruleFile = (lab: Lab, name: string) => etcFile(lab, 'rules', name);
