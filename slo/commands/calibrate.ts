import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { showProgress } from '../../terminal/progress.ts';
import { serveBlocks } from '../calibrate/blocks.ts';
import { collect, measureBy, type SourceOfEvents, type Wanted } from '../calibrate/collect.ts';
import { observed, type Steps } from '../calibrate/history.ts';
import { reportHtml } from '../calibrate/html.ts';
import { IncidentError, parseIncidents, type ClusterScope, type Incident } from '../calibrate/incidents.ts';
import { Prometheus, QueryFailure } from '../prometheus.ts';
import { judgeDefinitions, propose, searchable, type Evidence } from '../calibrate/propose.ts';
import { diffOf, reportJson, reportText, type Calibration } from '../calibrate/report.ts';
import { defaultTolerance, type Verdict } from '../calibrate/score.ts';
import { precision, recall } from '../calibrate/wording.ts';
import { clusterLabels } from '../generate/series.ts';
import { burnRateWindows } from '../generate/timing.ts';
import { changeDeployment, loadDefinitions, readDefinitions, type Definitions } from '../model/definitions.ts';
import { durationPattern, formatDuration, parseDuration } from '../model/duration.ts';
import { suggest } from '../model/suggestion.ts';
import { readTextFile } from './read-text-file.ts';
import { UsageError, type Command } from './command.ts';

const options = {
  url: { type: 'string' },
  blocks: { type: 'string' },
  'token-file': { type: 'string' },
  incidents: { type: 'string' },
  definitions: { type: 'string', default: 'slo/definitions' },
  candidate: { type: 'string', multiple: true, default: [] as string[] },
  propose: { type: 'boolean', default: false },
  from: { type: 'string' },
  to: { type: 'string' },
  scope: { type: 'string', multiple: true, default: [] as string[] },
  source: { type: 'string', default: 'auto' },
  'scrape-interval': { type: 'string' },
  step: { type: 'string' },
  lead: { type: 'string', default: formatDuration(defaultTolerance.lead) },
  grace: { type: 'string', default: formatDuration(defaultTolerance.grace) },
  timeout: { type: 'string', default: '2m' },
  html: { type: 'string' },
  json: { type: 'boolean', default: false },
  'min-precision': { type: 'string' },
  'min-recall': { type: 'string' },
} as const;

export const calibrate: Command = {
  name: 'calibrate',
  usage:
    '--url URL | --blocks DIR  --incidents FILE [--candidate name=DIR]… [--propose [sli]…] [--from TIME] [--to TIME] [--scope label=value]… [--html FILE] [--json] [--min-precision 80] [--min-recall 80] …',
  summary: 'replays what was recorded against what happened: precision, recall, time to detect, and better candidates',
  async run(args) {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    const interrupted = new AbortController();
    const interrupt = () => interrupted.abort();
    process.once('SIGINT', interrupt);
    process.once('SIGTERM', interrupt);
    try {
      await run(values, positionals, interrupted.signal);
    } catch (error) {
      if (interrupted.signal.aborted) {
        console.error('Cancelled. Nothing was written.');
        process.exitCode = 130;
      } else if (error instanceof QueryFailure || error instanceof IncidentError) {
        throw new UsageError(error.message);
      } else {
        throw error;
      }
    } finally {
      process.off('SIGINT', interrupt);
      process.off('SIGTERM', interrupt);
    }
  },
};

type Flags = ReturnType<
  typeof parseArgs<{ args: string[]; options: typeof options; allowPositionals: true }>
>['values'];

async function run(flags: Flags, positionals: string[], signal: AbortSignal): Promise<void> {
  const folder = flags.definitions;
  const present = deployed(loadDefinitions(path.resolve(folder)), flags);
  const candidates = flags.candidate.map((text) => candidateOf(text, flags));
  const minimum = { precision: percentOf(flags, 'min-precision'), recall: percentOf(flags, 'min-recall') };
  const wanted: Wanted = {
    present,
    candidates: candidates.map(({ definitions }) => definitions),
    searched: searchedOf(flags, positionals, present),
    scope: scopeOf(flags.scope),
    source: sourceOf(flags.source),
  };
  const tolerance = { lead: durationOf(flags, 'lead'), grace: durationOf(flags, 'grace') };
  const incidents = readIncidents(flags.incidents);
  if (!flags.url === !flags.blocks) {
    throw new UsageError(
      'Write either --url and the address of Prometheus or Thanos query, or --blocks and a folder of TSDB blocks.'
    );
  }
  const blocks = flags.blocks ? await serveBlocks(path.resolve(flags.blocks), signal) : undefined;
  try {
    const range = rangeOf(flags, blocks);
    const prometheus = new Prometheus(blocks?.url ?? flags.url!, {
      signal,
      timeout: durationOf(flags, 'timeout'),
      token: flags['token-file'] && readText(flags['token-file'], '--token-file').trim(),
    });
    const steps = stepsOf(range, wanted);
    const history = await collect(prometheus, steps, wanted, (total) =>
      showProgress({ doing: 'Asking', done: 'is there' }, total, process.stderr)
    );
    const known = observed(history);
    if (!known) {
      throw new UsageError(
        `There are no events in ${flags.url ?? flags.blocks} from ${isoOf(range.from)} to ${isoOf(range.to)}. Check --from, --to and --scope, and that etcd's series have the labels ${clusterLabels.join(', ')}.`
      );
    }
    const period = { from: Math.max(range.from, known.from), to: Math.min(range.to, known.to) };
    const evidence: Evidence = { history, incidents, period, tolerance, measure: measureBy(history, wanted) };
    const texts = readDefinitions(path.resolve(folder));
    const proposal = flags.propose ? propose(texts, present.deployment, wanted.searched, evidence) : undefined;
    const calibration: Calibration = {
      source: flags.url ?? flags.blocks!,
      steps,
      judged: [{ name: 'present', definitions: present }, ...candidates].map(({ name, definitions }) => ({
        name,
        ...judgeDefinitions(definitions, evidence),
      })),
      proposal,
      warnings: [...prometheus.warnings],
    };
    const diff = proposal ? diffOf(texts, proposal.texts, folder) : '';
    if (flags.html) {
      writeFileSync(flags.html, reportHtml(calibration, diff));
    }
    console.log(
      flags.json ? reportJson(calibration, diff) : [reportText(calibration), diff].filter(Boolean).join('\n\n')
    );
    guard(calibration.judged[0].verdict, minimum);
  } finally {
    await blocks?.close();
  }
}

/** Sets the exit code when the present definitions' pages are below what is wanted, or nothing can be said. */
function guard({ pages }: Verdict, minimum: { precision?: number; recall?: number }) {
  const checks = [
    { name: 'precision', value: pages.precision, text: precision(pages), least: minimum.precision },
    { name: 'recall', value: pages.recall, text: recall(pages), least: minimum.recall },
  ];
  for (const { name, value, text, least } of checks) {
    if (least !== undefined && !(value !== undefined && value >= least)) {
      console.error(`The pages' ${name} is ${text}; --min-${name} wants at least ${least * 100} %.`);
      process.exitCode = 1;
    }
  }
}

// -------------------------------------------------------------------------------------------------------------- flags

function deployed(definitions: Definitions, flags: Flags): Definitions {
  return changeDeployment(definitions, { scrapeInterval: flags['scrape-interval'], step: flags.step });
}

function candidateOf(text: string, flags: Flags) {
  const [, name, folder] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (!name) {
    throw new UsageError(
      `--candidate ${text} is not a name and a folder. Write for example --candidate strict=/tmp/definitions.`
    );
  }
  return { name, definitions: deployed(loadDefinitions(path.resolve(folder)), flags) };
}

function searchedOf({ propose: isWanted }: Flags, positionals: string[], { model }: Definitions): string[] {
  if (positionals.length && !isWanted) {
    throw new UsageError(
      `${positionals[0]} is not an argument. To search better values of it, write --propose ${positionals[0]}.`
    );
  }
  const known = searchable(model);
  const unknown = positionals.find((name) => !known.includes(name));
  if (unknown) {
    throw new UsageError(`${unknown} is nothing to search. ${suggest(unknown, known)}`);
  }
  return !isWanted ? [] : positionals.length ? positionals : known;
}

function scopeOf(flags: string[]): ClusterScope {
  return Object.fromEntries(
    flags.map((text) => {
      const [, label, values] = /^(\w+)=(.+)$/.exec(text) ?? [];
      if (!clusterLabels.some((known) => known === label)) {
        throw new UsageError(
          `--scope ${text} is not a label of clusters with a value. Write for example --scope region=gz or --scope "cluster=a|b".`
        );
      }
      return [label, values.split('|')];
    })
  );
}

function sourceOf(text: string): SourceOfEvents {
  if (text !== 'auto' && text !== 'recorded' && text !== 'raw') {
    throw new UsageError(`--source ${text} is unknown. Write auto, recorded or raw.`);
  }
  return text;
}

function durationOf(flags: Flags, name: 'lead' | 'grace' | 'timeout'): number {
  const text = flags[name];
  if (!durationPattern.test(text)) {
    throw new UsageError(`--${name} ${text} is not a duration. Write for example --${name} 10m.`);
  }
  return parseDuration(text);
}

function percentOf(flags: Flags, name: 'min-precision' | 'min-recall'): number | undefined {
  const text = flags[name];
  if (text === undefined) {
    return undefined;
  }
  const value = Number(text.replace(/%$/, ''));
  if (!(value >= 0 && value <= 100)) {
    throw new UsageError(`--${name} ${text} is not a percentage. Write for example --${name} 80.`);
  }
  return value / 100;
}

function readIncidents(file: string | undefined): Incident[] {
  if (!file) {
    throw new UsageError(
      '--incidents is missing. Write --incidents and a list as docs/slo.md, Calibration, describes it.'
    );
  }
  const leftOut: string[] = [];
  const incidents = parseIncidents(readText(file, '--incidents'), file, { onLeftOut: (line) => leftOut.push(line) });
  leftOut.slice(0, shownLeftOut).forEach((line) => console.error(line));
  if (leftOut.length > shownLeftOut) {
    console.error(`… and ${leftOut.length - shownLeftOut} more entries of ${file} are left out.`);
  }
  return incidents;
}

const readText = (file: string, flag: string) => readTextFile(file, `${flag} ${file}`);

/** Sentences about entries that are no incidents, before the rest is only counted. */
const shownLeftOut = 20;

const defaultHistory = 30 * 86400;

function rangeOf(flags: Flags, blocks: { from: number; to: number } | undefined) {
  const to = flags.to ? timeOf('--to', flags.to) : (blocks?.to ?? Math.floor(Date.now() / 1000));
  const from = flags.from ? timeOf('--from', flags.from) : (blocks?.from ?? to - defaultHistory);
  if (from >= to) {
    throw new UsageError(`--from ${isoOf(from)} is not before --to ${isoOf(to)}. Exchange the two, or correct one.`);
  }
  return { from, to };
}

/** RFC 3339, or a duration before now. */
function timeOf(flag: string, text: string): number {
  const seconds = durationPattern.test(text) ? Date.now() / 1000 - parseDuration(text) : Date.parse(text) / 1000;
  if (Number.isNaN(seconds)) {
    throw new UsageError(`${flag} ${text} is not a time. Write 2026-07-01T00:00:00Z, or 7d for seven days ago.`);
  }
  return Math.floor(seconds);
}

/** The steps of a range, and before it as many as the longest window holds. */
function stepsOf({ from, to }: { from: number; to: number }, { present, candidates }: Wanted): Steps {
  const { step } = present.deployment;
  const longest = Math.max(...[present, ...candidates].flatMap(({ model }) => burnRateWindows(model)));
  const start = Math.ceil((from - longest) / step) * step;
  return { start, step, count: Math.floor((to - start) / step) + 1 };
}

const isoOf = (seconds: number) => new Date(seconds * 1000).toISOString();
