import { httpOk } from './http.ts';

/** A series of the answer: `value` of an instant vector, `values` of a range; times are seconds. */
export interface QueriedSeries {
  metric: Record<string, string>;
  value: [number, string];
  values: Array<[number, string]>;
}

/** What a Prometheus or Thanos query of the lab answers now. */
export async function instantQuery(url: string, query: string): Promise<QueriedSeries[]> {
  const answer = await httpOk(`${url}/api/v1/query?query=${encodeURIComponent(query)}`);
  return (JSON.parse(answer) as { data: { result: QueriedSeries[] } }).data.result;
}
