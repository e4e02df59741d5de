// Runs a real Prometheus on the seeded blocks, and queries and controls it over its HTTP API.
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LabFailure } from '../../lab/failure.ts';
import { linkBlock } from '../../slo/calibrate/blocks.ts';
import { endServer } from '../../slo/serve-prometheus.ts';
import { programOf, type Place } from '../place.ts';

/** Longer than the most expensive raw query of the whole fleet. */
const queryTimeout = 15 * 60_000;
const startTimeout = 5 * 60_000;
const endTimeout = 60_000;
/** The memory limit for Prometheus' garbage collector, which leaves memory for other programs. */
const memoryTarget = '9GiB';

export interface Answer {
  /** Values by their labels as text. */
  values: Map<string, number>;
  /** From the request to the parsed answer, as a client measures it. */
  seconds: number;
  /** From Prometheus' own statistics. */
  evalSeconds: number;
  samples: number;
  peakSamples: number;
}

/** One evaluation of a rule group. */
export interface Evaluation {
  group: string;
  at: string;
  seconds: number;
  rules: Array<{ name: string; query: string; seconds: number; health: string; lastError?: string }>;
}

/** Throws if the evaluation of a rule failed. */
export function requireHealthy({ rules }: Evaluation) {
  const broken = rules.find(({ health }) => health === 'err');
  if (broken) {
    throw new LabFailure(
      `The rule ${broken.name} failed: ${broken.lastError}`,
      'Correct it in slo/generate.',
      broken.query
    );
  }
}

export class Prometheus {
  readonly url: string;
  readonly directory: string;
  readonly #process: ChildProcess;
  readonly #signal: AbortSignal;

  private constructor(url: string, directory: string, process: ChildProcess, signal: AbortSignal) {
    this.url = url;
    this.directory = directory;
    this.#process = process;
    this.#signal = signal;
  }

  /** Starts Prometheus on the blocks of a seed, which it does not change. */
  static async start(place: Place, seed: string, port: number, signal: AbortSignal, name = 'run'): Promise<Prometheus> {
    const directory = path.join(place.directory, name);
    rmSync(directory, { recursive: true, force: true });
    linkBlock(seed, path.join(directory, 'data'));
    writeConfig(directory, []);
    const log = openSync(path.join(directory, 'prometheus.log'), 'w');
    const process = spawn(
      programOf(place, 'prometheus'),
      [
        `--config.file=${path.join(directory, 'prometheus.yaml')}`,
        `--storage.tsdb.path=${path.join(directory, 'data')}`,
        '--storage.tsdb.retention.time=1y',
        // Blocks are not compacted, as with a Thanos sidecar.
        '--storage.tsdb.min-block-duration=2h',
        '--storage.tsdb.max-block-duration=2h',
        `--web.listen-address=127.0.0.1:${port}`,
        '--web.enable-lifecycle',
        `--query.timeout=${queryTimeout / 1000}s`,
        '--query.max-samples=500000000',
      ],
      { stdio: ['ignore', log, log], env: { ...globalThis.process.env, GOMEMLIMIT: memoryTarget } }
    );
    closeSync(log);
    const server = new Prometheus(`http://127.0.0.1:${port}`, directory, process, signal);
    await server.#ready();
    return server;
  }

  async #ready() {
    const deadline = Date.now() + startTimeout;
    while (Date.now() < deadline && this.#process.exitCode === null) {
      if (
        await fetch(`${this.url}/-/ready`, { signal: AbortSignal.timeout(5000) }).then(
          (r) => r.ok,
          () => false
        )
      ) {
        return;
      }
      await sleep(500, undefined, { signal: this.#signal });
    }
    const log = readFileSync(path.join(this.directory, 'prometheus.log'), 'utf8').split('\n').slice(-15).join('\n');
    throw new LabFailure(
      'Prometheus did not start on the seeded blocks.',
      `See ${this.directory}/prometheus.log.`,
      log
    );
  }

  /** Stops Prometheus. Data and log are kept. */
  stop() {
    return endServer(this.#process, endTimeout);
  }

  /** Replaces the rule files, given by name. */
  async load(ruleFiles: Record<string, string>) {
    for (const [name, text] of Object.entries(ruleFiles)) {
      const file = path.join(this.directory, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    writeConfig(this.directory, Object.keys(ruleFiles));
    const response = await fetch(`${this.url}/-/reload`, { method: 'POST', signal: this.#within(startTimeout) });
    if (!response.ok) {
      throw new LabFailure('Prometheus refused the rules.', 'See its answer.', await response.text());
    }
  }

  async query(query: string, at: number, url = this.url): Promise<Answer> {
    const begin = performance.now();
    const { data } = await this.#post<QueryData>(`${url}/api/v1/query`, { query, time: `${at / 1000}`, stats: 'all' });
    const { result, stats } = data;
    return {
      values: new Map(result.map(({ metric, value }) => [keyOf(metric), Number(value[1])])),
      seconds: (performance.now() - begin) / 1000,
      evalSeconds: stats?.timings.evalTotalTime ?? NaN,
      samples: stats?.samples.totalQueryableSamples ?? NaN,
      peakSamples: stats?.samples.peakSamples ?? NaN,
    };
  }

  /** Returns the distinct selectors in an expression, without ranges. */
  async selectors(query: string): Promise<string[]> {
    const { data } = await this.#post<Node>(`${this.url}/api/v1/parse_query`, { query });
    return [...new Set(selectorsIn(data))];
  }

  /** Returns the last evaluation of each evaluated group, or of one group. */
  async evaluations(ofGroup?: string): Promise<Evaluation[]> {
    const only = ofGroup === undefined ? '' : `&rule_group[]=${encodeURIComponent(ofGroup)}`;
    const { data } = await this.#post<RulesData>(`${this.url}/api/v1/rules?exclude_alerts=true${only}`);
    return data.groups
      .filter(({ lastEvaluation }) => !lastEvaluation.startsWith('0001-'))
      .map(({ name, lastEvaluation, evaluationTime, rules }) => ({
        group: name,
        at: lastEvaluation,
        seconds: evaluationTime,
        rules: rules.map((rule) => ({ ...rule, seconds: rule.evaluationTime })),
      }));
  }

  /** Returns the seconds in which its threads ran, and in which they were ready to run but had no core. */
  scheduled(): { ran: number; waited: number } {
    const tasks = `/proc/${this.#process.pid}/task`;
    const threads = readdirSync(tasks).map((task) =>
      readFileSync(path.join(tasks, task, 'schedstat'), 'utf8').split(' ')
    );
    const sum = (field: number) => threads.reduce((total, thread) => total + Number(thread[field]), 0) / 1e9;
    return { ran: sum(0), waited: sum(1) };
  }

  /** Returns one of Prometheus' own metrics without labels. */
  async metric(name: string): Promise<number> {
    const response = await fetch(`${this.url}/metrics`, { signal: this.#within(60_000) });
    const line = (await response.text()).split('\n').find((text) => text.startsWith(`${name} `));
    return Number(line?.split(' ')[1]);
  }

  async #post<T>(url: string, parameters?: Record<string, string>): Promise<{ data: T }> {
    const response = await fetch(url, {
      // Parameters are sent in the body, because a query may be too long for a URL.
      ...(parameters && { method: 'POST', body: new URLSearchParams(parameters) }),
      signal: this.#within(queryTimeout),
    });
    const body = (await response.json()) as { data: T; error?: string };
    if (!response.ok) {
      throw new LabFailure(`Prometheus answered: ${body.error}`, 'The query is above.', parameters?.query);
    }
    return body;
  }

  #within = (milliseconds: number) => AbortSignal.any([this.#signal, AbortSignal.timeout(milliseconds)]);
}

interface QueryData {
  result: Array<{ metric: Record<string, string>; value: [number, string] }>;
  stats?: { timings: { evalTotalTime: number }; samples: { totalQueryableSamples: number; peakSamples: number } };
}

interface RulesData {
  groups: Array<{
    name: string;
    lastEvaluation: string;
    evaluationTime: number;
    rules: Array<{ name: string; query: string; evaluationTime: number; health: string; lastError?: string }>;
  }>;
}

/** A node of a parsed expression. `matchers` describe a selector completely. */
type Node = { type: string; matchers?: Array<{ name: string; type: string; value: string }> } & Record<string, unknown>;

function selectorsIn(node: unknown): string[] {
  if (Array.isArray(node)) {
    return node.flatMap(selectorsIn);
  }
  if (typeof node !== 'object' || node === null) {
    return [];
  }
  const { type, matchers } = node as Node;
  if ((type === 'vectorSelector' || type === 'matrixSelector') && matchers) {
    return [
      `{${matchers.map(({ name, type: operator, value }) => `${name}${operator}${JSON.stringify(value)}`).join(',')}}`,
    ];
  }
  return Object.values(node).flatMap(selectorsIn);
}

const keyOf = (metric: Record<string, string>) =>
  Object.entries(metric)
    .filter(([name]) => name !== '__name__')
    .sort()
    .map(([name, value]) => `${name}=${value}`)
    .join(',');

function writeConfig(directory: string, ruleFiles: string[]) {
  const config = {
    global: { evaluation_interval: '1m', external_labels: { prometheus: 'bench', replica: 'a' } },
    rule_files: ruleFiles,
  };
  writeFileSync(path.join(directory, 'prometheus.yaml'), JSON.stringify(config));
}
