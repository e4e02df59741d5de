// What is asked of a Prometheus or a Thanos query.
import type { RangeSource, Series } from './calibrate/range.ts';
import { formatDuration } from './model/duration.ts';

export interface PrometheusOptions {
  /** Cancels every query. */
  signal?: AbortSignal;
  /** Seconds that one query may take. */
  timeout: number;
  /** A bearer token, if the server wants one. */
  token?: string;
  /** The flag that gave the address, `--url` if it is not said; messages name it. */
  flag?: string;
}

const defaultFlag = '--url';

/** Something that the server or the way to it refuses, with what to do. */
export class QueryFailure extends Error {}

export class Prometheus implements RangeSource {
  /** Warnings of the server, such as an unavailable store: each once. */
  readonly warnings = new Set<string>();

  constructor(
    readonly url: string,
    private readonly options: PrometheusOptions
  ) {}

  async range(expr: string, [start, end]: [number, number], step: number): Promise<Series[]> {
    const { timeout } = this.options;
    const body = new URLSearchParams({
      query: expr,
      start: String(start),
      end: String(end),
      step: String(step),
      timeout: formatDuration(timeout),
    });
    const { status, text } = await this.ask(
      'query_range',
      { method: 'POST', body },
      'Ask for less with --scope or --from, or wait longer with --timeout.'
    );
    const answer = parse<{ result: Matrix }>(text);
    if (answer?.status !== 'success') {
      throw new QueryFailure(`${this.refusal(status, text, answer, adviceOnQuery(answer))}\nThe query was:\n${expr}`);
    }
    answer.warnings?.forEach((warning) => this.warnings.add(warning));
    return answer.data!.result.map(({ metric, values }) => ({
      labels: metric,
      samples: values.map(([time, value]) => [time, Number(value)]),
    }));
  }

  /**
   * How long it keeps samples, in its own words such as `5w or 10GiB` (storageRetention of GET /api/v1/status/runtimeinfo);
   * undefined of a Thanos query, which keeps none.
   */
  async retention(): Promise<string | undefined> {
    const { status, text } = await this.ask('status/runtimeinfo', {}, 'Wait longer with --timeout.');
    const answer = parse<{ storageRetention?: string }>(text);
    if (status !== 404 && answer?.status !== 'success') {
      throw new QueryFailure(this.refusal(status, text, answer, 'Ask again when it is ready.'));
    }
    return answer?.data?.storageRetention || undefined;
  }

  private async ask(path: string, request: RequestInit, whenLate: string): Promise<{ status: number; text: string }> {
    const { signal = new AbortController().signal, timeout, token, flag = defaultFlag } = this.options;
    const limit = AbortSignal.timeout((timeout + 5) * 1000);
    try {
      const response = await fetch(`${this.url.replace(/\/+$/, '')}/api/v1/${path}`, {
        ...request,
        headers: token ? { Authorization: `Bearer ${token}` } : {},
        signal: AbortSignal.any([signal, limit]),
      });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      signal.throwIfAborted();
      throw new QueryFailure(
        limit.aborted
          ? `${this.url} did not answer within ${timeout} s. ${whenLate}`
          : `${this.url} cannot be reached (${reasonOf(error)}). Check ${flag}: it is the address before /api/v1.`
      );
    }
  }

  /** `advice` is for an answer that Prometheus gave itself. */
  private refusal(status: number, text: string, answer: Answer<unknown> | undefined, advice: string): string {
    const { flag = defaultFlag } = this.options;
    const remedy =
      status === 401 || status === 403
        ? 'Give --token-file with a token that may read.'
        : answer
          ? advice
          : `This is not an answer of Prometheus. Check ${flag}: it is the address before /api/v1.`;
    return `${this.url} refuses a query (${status}): ${answer?.error ?? text.slice(0, 200).trim()}\n${remedy}`;
  }
}

type Matrix = Array<{ metric: Record<string, string>; values: Array<[number, string]> }>;

interface Answer<Data> {
  status: string;
  error?: string;
  warnings?: string[];
  data?: Data;
}

function parse<Data>(text: string): Answer<Data> | undefined {
  try {
    return JSON.parse(text) as Answer<Data>;
  } catch {
    return undefined;
  }
}

const adviceOnQuery = (answer: Answer<unknown> | undefined) =>
  /too many samples|timed out|timeout/.test(answer?.error ?? '')
    ? 'Ask for fewer clusters with --scope region=…, or for less time with --from.'
    : 'If an SLI has a mistake, correct it in slis.yaml.';

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code || cause.name : String(cause);
}
