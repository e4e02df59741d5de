// Finds the fuzz targets of the Go packages, divides the time among them, and parses a fuzzer's output.

export interface Target {
  /** The package's folder, relative to the project. */
  folder: string;
  name: string;
}

/** Returns the targets that a Go test file declares. Listing them with `go test -list` would compile every package. */
export function targetsIn(file: string, source: string): Target[] {
  const folder = file.split('/').slice(0, -1).join('/');
  const declared = source.matchAll(/^func (Fuzz[\p{Lu}\p{Nd}_]\w*)\(\w+ \*testing\.F\)/gmu);
  return [...declared].map(([, name]) => ({ folder, name }));
}

const units: Record<string, number> = { s: 1, m: 60, h: 3600 };

/** Parses a duration such as 90s, 2m or 1h30m into seconds. */
export function parseTime(text: string): number {
  if (!/^(\d+[hms])+$/.test(text)) {
    throw new Error(`--time is ${JSON.stringify(text)}: write a time such as 90s, 2m or 1h30m`);
  }
  const parts = [...text.matchAll(/(\d+)([hms])/g)];
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * units[unit], 0);
}

/** Returns whole seconds for each target, at least one, as less finds nothing. */
export function shareOf(seconds: number, targets: number): number {
  return Math.max(1, Math.floor(seconds / targets));
}

export interface Findings {
  executions: number;
  /** The number of inputs that reached new code. */
  interesting: number;
  /** The file with the failing input, relative to the package's folder. */
  failing?: string;
  /** Whether the fuzzer reported the end of its time as a failure. */
  cutOff: boolean;
}

/** Go's fuzzer prints its figures every three seconds and at its end, and the file of a failing input. */
export function readFindings(output: string): Findings {
  const figures = [...output.matchAll(/^fuzz: elapsed: .*? execs: (\d+) .*?new interesting: (\d+)/gm)].at(-1);
  const failing = /^\s*(?:Failing input written to|failure while testing seed corpus entry:) (\S+)/m.exec(output)?.[1];
  // Go's fuzzer sometimes reports the end of its time as a failure without an input (golang/go#75804).
  const cutOff = !failing && /^--- FAIL: \w+ \([\d.]+s\)\n\s+context deadline exceeded\nFAIL$/m.test(output);
  return { executions: Number(figures?.[1] ?? 0), interesting: Number(figures?.[2] ?? 0), failing, cutOff };
}
