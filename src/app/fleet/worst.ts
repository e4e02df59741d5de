import type { DataFrame } from '@grafana/data';
import { toDataQueryResponse } from '@grafana/runtime';
import { catchError, map, type Observable, of } from 'rxjs';

import { diagnosisDefaults, type DiagnosisQuery } from '../../datasource/kinds/diagnosis/query';
import { queryNow } from '../../fleet/queryNow';

/** A cluster that is hurt, with the worst of what is wrong with it. */
export interface HurtCluster {
  region: string;
  cluster: string;
  severity: string;
  statement: string;
  action: string;
  /** Milliseconds since 1970; null if it is not known. */
  since: number | null;
}

export interface Worst {
  clusters: HurtCluster[];
  /** What is missing from the answer, in sentences. */
  notices: string[];
  /** Why there is no answer. */
  error?: string;
}

const shown = 10;

/** The clusters of a datasource that are hurt, the worst first. Never fails: the result holds the error. */
export function askWorst(datasourceUid: string): Observable<Worst> {
  const query: DiagnosisQuery = { ...diagnosisDefaults, refId: 'A', findings: 'first', limit: shown };
  return queryNow(datasourceUid, [query]).pipe(
    catchError((error: unknown) => of(toDataQueryResponse(error as Parameters<typeof toDataQueryResponse>[0]))),
    map(({ data, errors }) => ({
      clusters: data.flatMap(toClusters),
      notices: data.flatMap((frame: DataFrame) => (frame.meta?.notices ?? []).map(({ text }) => text)),
      error: errors?.[0] && (errors[0].message ?? 'The datasource did not answer: see Grafana’s log for its plugin.'),
    }))
  );
}

/** The rows of a table of findings. */
export function toClusters(frame: DataFrame): HurtCluster[] {
  const column = (name: string) => frame.fields.find((field) => field.name === name)?.values ?? [];
  const [region, severity, statement, action, since] = ['region', 'severity', 'statement', 'action', 'since'].map(
    column
  );
  return column('cluster').map((cluster, row) => ({
    region: region[row],
    cluster,
    severity: severity[row],
    statement: statement[row],
    action: action[row],
    since: since[row] ?? null,
  }));
}
