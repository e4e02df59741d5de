import path from 'node:path';
import { parseArgs } from 'node:util';
import { writeFiles } from '../files.ts';
import { ruleTexts } from '../generate/files.ts';
import { readExprs } from '../generate/read-exprs.ts';
import { changeDeployment, loadDefinitions } from '../model/definitions.ts';
import { UsageError, type Command } from './command.ts';
import { judge } from './judge.ts';

export const rules: Command = {
  name: 'rules',
  usage:
    '--out DIR [--definitions DIR] [--scrape-interval 15s] [--step 1m] [--max-clusters n] [--grafana-url URL] [--runbook-url URL]',
  summary: 'writes the rules for a deployment, unless promtool finds a fault; flags replace what deployment.yaml says',
  async run(args) {
    const { values } = parseArgs({
      args,
      options: {
        out: { type: 'string' },
        definitions: { type: 'string' },
        'scrape-interval': { type: 'string' },
        step: { type: 'string' },
        'max-clusters': { type: 'string' },
        'grafana-url': { type: 'string' },
        'runbook-url': { type: 'string' },
      },
    });
    if (!values.out) {
      throw new UsageError('--out is missing. Write --out and the folder for the rules.');
    }
    const definitions = changeDeployment(loadDefinitions(values.definitions && path.resolve(values.definitions)), {
      scrapeInterval: values['scrape-interval'],
      step: values.step,
      maxClusters: values['max-clusters'] === undefined ? undefined : Number(values['max-clusters']),
      grafanaUrl: values['grafana-url'],
      runbookUrl: values['runbook-url'],
    });
    const texts = ruleTexts(definitions, readExprs(), 'npm run slo -- rules');
    const verdict = await judge(texts);
    writeFiles(values.out, texts);
    console.log([...Object.keys(texts).map((file) => path.join(values.out!, file)), verdict].join('\n'));
  },
};
