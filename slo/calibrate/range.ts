// What a history is collected from: Prometheus over HTTP, or Grafana's datasource. No I/O.

export interface Series {
  labels: Record<string, string>;
  /** Seconds and value. */
  samples: Array<[time: number, value: number]>;
}

export interface RangeSource {
  /** The series of an expression from a start to an end, both included and not more than a chunk apart. */
  range(expr: string, chunk: Chunk, step: number): Promise<Series[]>;
}

/** Seconds. */
export type Chunk = [start: number, end: number];

/** Below the 11,000 points that Prometheus and Thanos let a series have, and few enough for an answer to stay small. */
const pointsOfQuery = 2000;

/** The parts that a range is asked in. */
export function chunksOf(start: number, end: number, step: number): Chunk[] {
  const span = (pointsOfQuery - 1) * step;
  const chunks: Chunk[] = [];
  for (let from = start; from <= end; from += span + step) {
    chunks.push([from, Math.min(end, from + span)]);
  }
  return chunks;
}
