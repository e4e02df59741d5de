import { parseArgs } from 'node:util';
import { table } from '../../terminal/table.ts';
import { ruleFiles, ruleTexts } from '../generate/files.ts';
import { readExprs } from '../generate/read-exprs.ts';
import { seriesPerCluster } from '../generate/size.ts';
import { loadDefinitions } from '../model/definitions.ts';
import { durationPattern, formatDuration, parseDuration } from '../model/duration.ts';
import { latencySlis, thresholdOf, type Model } from '../model/model.ts';
import { Prometheus } from '../prometheus.ts';
import { askRetention } from '../retention.ts';
import { UsageError, type Command } from './command.ts';
import { judge } from './judge.ts';
import { readTextFile } from './read-text-file.ts';

const options = {
  clusters: { type: 'string', default: '10000' },
  prometheus: { type: 'string', multiple: true, default: [] as string[] },
  'token-file': { type: 'string' },
  timeout: { type: 'string', default: '10s' },
} as const;

export const check: Command = {
  name: 'check',
  usage: '[--clusters n] [--prometheus URL]… [--token-file FILE] [--timeout 10s]',
  summary:
    'validates the definitions and says what they promise and cost; asks each --prometheus whether it keeps enough history',
  async run(args) {
    const { values } = parseArgs({ args, options });
    const clusters = Number(values.clusters);
    if (!Number.isInteger(clusters) || clusters < 1) {
      throw new UsageError(
        `--clusters ${values.clusters} is not a number of clusters. Write for example --clusters 10000.`
      );
    }
    const asked = prometheusesOf(values);
    const definitions = loadDefinitions();
    const verdict = await judge(ruleTexts(definitions, readExprs(), 'npm run slo -- check'));
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
    await checkRetentions(asked, model.window);
  },
};

interface Asked {
  prometheus: string[];
  'token-file'?: string;
  timeout: string;
}

function prometheusesOf({ prometheus: urls, 'token-file': tokenFile, timeout }: Asked): Prometheus[] {
  if (!durationPattern.test(timeout) || parseDuration(timeout) === 0) {
    throw new UsageError(`--timeout ${timeout} is not a duration. Write for example --timeout 30s.`);
  }
  const hasLogin = (url: string) => URL.canParse(url) && Boolean(new URL(url).username || new URL(url).password);
  if (urls.some(hasLogin)) {
    throw new UsageError('An address of --prometheus holds a login. Remove it, and give --token-file with a token.');
  }
  for (const url of urls) {
    if (!URL.canParse(url) || !/^https?:/i.test(url)) {
      throw new UsageError(
        `--prometheus ${url} is not an address. Write for example --prometheus http://prometheus.gz:9090.`
      );
    }
  }
  const token = tokenFile && readTextFile(tokenFile, `--token-file ${tokenFile}`).trim();
  return urls.map((url) => new Prometheus(url, { timeout: parseDuration(timeout), token, flag: '--prometheus' }));
}

/** Says of each what it keeps; fails when one keeps too little or does not say. */
async function checkRetentions(prometheuses: Prometheus[], window: number): Promise<void> {
  const verdicts = await Promise.all(prometheuses.map((prometheus) => askRetention(prometheus, window)));
  if (verdicts.length === 0) {
    return;
  }
  console.log(`\n${verdicts.map(({ text }) => text).join('\n')}`);
  const wrong = verdicts.filter(({ enough }) => !enough).length;
  if (wrong > 0) {
    throw new UsageError(`\n${wrong} of ${verdicts.length} Prometheus did not pass the check of the retention.`);
  }
}

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
