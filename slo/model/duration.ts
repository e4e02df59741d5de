// Durations as people and Prometheus write them: a number and a unit.

const secondsPer = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86400 } as const;

export const durationPattern = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/** Seconds of a duration such as `250ms` or `30d`, which must match durationPattern. */
export function parseDuration(text: string): number {
  const [, number, unit] = durationPattern.exec(text) ?? [];
  const seconds = Number(number) * secondsPer[unit as keyof typeof secondsPer];
  return Number(seconds.toPrecision(12)); // 16 × 0.001 must be 0.016
}

/** A regular expression's source for durations as Prometheus writes them, such as `1h30m` or `5w`. */
export const prometheusDuration = '(?:\\d+(?:ms|[smhdwy]))+';

const prometheusSecondsPer: Record<string, number> = { ...secondsPer, w: 7 * 86400, y: 365 * 86400 };

/** Seconds of what matches prometheusDuration. */
export function parsePrometheusDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+)(ms|[smhdwy])/g)];
  const seconds = parts.reduce((sum, [, number, unit]) => sum + Number(number) * prometheusSecondsPer[unit], 0);
  return Number(seconds.toPrecision(12));
}

/** The shortest whole notation: 75 → `75s`, 1800 → `30m`, 0.1 → `100ms`. */
export function formatDuration(seconds: number): string {
  const units = Object.entries(secondsPer).reverse();
  for (const [unit, size] of units) {
    const number = Number((seconds / size).toPrecision(12));
    if (Number.isInteger(number) && number > 0) {
      return `${number}${unit}`;
    }
  }
  return `${seconds}s`;
}
