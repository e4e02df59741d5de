import { parseArgs } from 'node:util';
import { table } from '../../lab/terminal/table.ts';
import { dashboardExprs } from '../generate/dashboards.ts';
import { ruleFiles, ruleTexts } from '../generate/files.ts';
import { seriesPerCluster } from '../generate/size.ts';
import { loadDefinitions } from '../model/definitions.ts';
import { formatDuration } from '../model/duration.ts';
import { latencySlis, thresholdOf, type Model } from '../model/model.ts';
import { UsageError, type Command } from './command.ts';
import { judge } from './judge.ts';

export const check: Command = {
  name: 'check',
  usage: '[--clusters n]',
  summary: 'validates the definitions and says what they promise and cost',
  async run(args) {
    const { values } = parseArgs({ args, options: { clusters: { type: 'string', default: '10000' } } });
    const clusters = Number(values.clusters);
    if (!Number.isInteger(clusters) || clusters < 1) {
      throw new UsageError(
        `--clusters ${values.clusters} is not a number of clusters. Write for example --clusters 10000.`
      );
    }
    const definitions = loadDefinitions();
    const verdict = await judge(ruleTexts(definitions, dashboardExprs(), 'npm run slo -- check'));
    const { model } = definitions;
    const files = Object.entries(ruleFiles(definitions)).map(([file, { groups }]) => [
      `rules/${file}`,
      String(groups.length),
      String(groups.reduce((sum, group) => sum + group.rules.length, 0)),
    ]);
    const total = files.reduce((sum, [, , rules]) => sum + Number(rules), 0);
    const perCluster = seriesPerCluster(model);
    console.log(
      [
        table(['OBJECTIVE', ...model.classes.map(({ name }) => name.toUpperCase()), 'SLIS'], targetRows(model)),
        table(['THRESHOLD OF', 'IN', ...model.classes.map(({ name }) => name.toUpperCase())], thresholdRows(model)),
        table(['ALERT', 'BURNS', 'OVER', 'URGENCY'], burnRateRows(model)),
        table(['FILE', 'GROUPS', 'RULES'], [...files, ['all', '', String(total)]]),
        `${clusters} clusters: ${(clusters * perCluster).toLocaleString('en')} recorded series (${perCluster} for each cluster that has every SLI).`,
        `${model.overrides.length} overrides. ${verdict}`,
      ].join('\n\n')
    );
  },
};

function targetRows({ objectives, classes }: Model): string[][] {
  return objectives.map(({ name, slis }) => [
    name,
    ...classes.map(({ targets }) => `${Number((targets[name] * 100).toPrecision(12))} %`),
    slis.join(', '),
  ]);
}

function thresholdRows(model: Model): string[][] {
  return latencySlis(model).flatMap(({ name, sources }) =>
    sources.map((source) => [
      name,
      source.histogram,
      ...model.classes.map(({ thresholds }) => formatDuration(thresholdOf(source, thresholds[name])!)),
    ])
  );
}

function burnRateRows({ burnRates }: Model): string[][] {
  return burnRates.map(({ name, factor, long, short, urgency }) => [
    name,
    `${factor} times too fast`,
    `${formatDuration(long)} and ${formatDuration(short)}`,
    urgency,
  ]);
}
