// Whether Prometheus keeps its samples as long as the window of the error budget: their sums over it are made from what it
// keeps itself, whatever a sidecar has uploaded.
import { formatDuration, parsePrometheusDuration, prometheusDuration } from './model/duration.ts';
import { QueryFailure, type Prometheus } from './prometheus.ts';

interface Verdict {
  enough: boolean;
  text: string;
}

interface Retention {
  /** Seconds; undefined when samples are deleted by their size alone. */
  time?: number;
  /** Such as `10GiB`; undefined when no size is set. */
  size?: string;
}

const wholeDuration = new RegExp(`^${prometheusDuration}$`);

/** Reads what Prometheus says of itself, such as `5w or 10GiB`. Undefined when it is neither a time nor a size. */
function parseRetention(text: string): Retention | undefined {
  const parts = text.split(' or ');
  const time = parts.find((part) => wholeDuration.test(part));
  const size = parts.find((part) => /^\d+(\.\d+)?[KMGTPE]?i?B$/.test(part));
  if (parts.length !== [time, size].filter(Boolean).length) {
    return undefined;
  }
  return { time: time === undefined ? undefined : parsePrometheusDuration(time), size };
}

/** Whether the retention is enough for a window, and in words what it is and what to do. */
function judgeRetention({ time, size }: Retention, window: number): Verdict {
  const wanted = formatDuration(window);
  if (time !== undefined && time < window) {
    const remedy = `set --storage.tsdb.retention.time to more than ${wanted}, such as ${formatDuration(window + 5 * 86400)}`;
    return {
      enough: false,
      text: `keeps samples for ${formatDuration(time)}, and error budgets are over ${wanted}: ${remedy}`,
    };
  }
  const kept = time === undefined ? 'keeps samples of any age' : `keeps samples for ${formatDuration(time)}`;
  const bySize = size
    ? `, while they take less than ${size}: the alert EtcdSLOHistoryShort says when that is not enough`
    : '';
  return { enough: true, text: kept + bySize };
}

/** Asks a Prometheus whether it keeps enough for a window: in words, with its address, also when it does not answer. */
export async function askRetention(prometheus: Prometheus, window: number): Promise<Verdict> {
  const { url } = prometheus;
  try {
    const text = await prometheus.retention();
    const retention = text === undefined ? undefined : parseRetention(text);
    if (!retention) {
      const said =
        text === undefined ? 'does not say how long it keeps samples' : `keeps samples for ${JSON.stringify(text)}`;
      return {
        enough: false,
        text: `${url} ${said}: give --prometheus the address of a region's Prometheus, not that of Thanos query`,
      };
    }
    const { enough, text: verdict } = judgeRetention(retention, window);
    return { enough, text: `${url} ${verdict}` };
  } catch (error) {
    if (error instanceof QueryFailure) {
      return { enough: false, text: error.message };
    }
    throw error;
  }
}
