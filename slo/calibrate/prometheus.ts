// Range queries to a Prometheus or a Thanos query.
import { formatDuration } from '../model/duration.ts';
import type { RangeSource, Series } from './range.ts';

export interface PrometheusOptions {
  /** Cancels every query. */
  signal: AbortSignal;
  /** Seconds that one query may take. */
  timeout: number;
  /** A bearer token, if the server wants one. */
  token?: string;
}

/** Something that the server or the way to it refuses, with what to do. */
export class QueryFailure extends Error {}

export class Prometheus implements RangeSource {
  /** What the server warned of, such as a store that is gone: each once. */
  readonly warnings = new Set<string>();

  constructor(
    readonly url: string,
    private readonly options: PrometheusOptions
  ) {}

  async range(expr: string, [start, end]: [number, number], step: number): Promise<Series[]> {
    const { signal, timeout, token } = this.options;
    const body = new URLSearchParams({
      query: expr,
      start: String(start),
      end: String(end),
      step: String(step),
      timeout: formatDuration(timeout),
    });
    const limit = AbortSignal.timeout((timeout + 5) * 1000);
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${this.url.replace(/\/+$/, '')}/api/v1/query_range`, {
        method: 'POST',
        body,
        headers: token ? { Authorization: `Bearer ${token}` } : {},
        signal: AbortSignal.any([signal, limit]),
      });
      text = await response.text();
    } catch (error) {
      signal.throwIfAborted();
      throw new QueryFailure(
        limit.aborted
          ? `${this.url} did not answer within ${timeout} s. Ask for less with --scope or --from, or wait longer with --timeout.`
          : `${this.url} cannot be reached (${reasonOf(error)}). Check --url: it is the address before /api/v1.`
      );
    }
    const answer = parse(text);
    if (answer?.status !== 'success') {
      throw new QueryFailure(
        `${this.url} refuses a query (${response.status}): ${answer?.error ?? text.slice(0, 200).trim()}\n${adviceOn(response.status, answer)}\nThe query was:\n${expr}`
      );
    }
    answer.warnings?.forEach((warning) => this.warnings.add(warning));
    return answer.data!.result.map(({ metric, values }) => ({
      labels: metric,
      samples: values.map(([time, value]) => [time, Number(value)]),
    }));
  }
}

interface Answer {
  status: string;
  error?: string;
  warnings?: string[];
  data?: { result: Array<{ metric: Record<string, string>; values: Array<[number, string]> }> };
}

function parse(text: string): Answer | undefined {
  try {
    return JSON.parse(text) as Answer;
  } catch {
    return undefined;
  }
}

function adviceOn(status: number, answer: Answer | undefined): string {
  if (!answer) {
    return 'This is no answer of Prometheus. Check --url: it is the address before /api/v1.';
  }
  if (status === 401 || status === 403) {
    return 'Give --token-file with a token that may read.';
  }
  return /too many samples|timed out|timeout/.test(answer.error ?? '')
    ? 'Ask for fewer clusters with --scope region=…, or for less time with --from.'
    : 'If an SLI has a mistake, correct it in slis.yaml.';
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code || cause.name : String(cause);
}
