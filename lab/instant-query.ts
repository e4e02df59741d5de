import { httpOk } from './http.ts';

/** A series of the answer: `value` of an instant vector, `values` of a range. Times are in seconds. */
export interface QueriedSeries {
  metric: Record<string, string>;
  value: [number, string];
  values: Array<[number, string]>;
}

/** Evaluates a query in a Prometheus or Thanos of the lab at the current time. */
export async function instantQuery(url: string, query: string): Promise<QueriedSeries[]> {
  const answer = await httpOk(`${url}/api/v1/query?query=${encodeURIComponent(query)}`);
  return (JSON.parse(answer) as { data: { result: QueriedSeries[] } }).data.result;
}
