import type { DataFrame } from '@grafana/data';

/** One row of the query kind `diagnosis` (docs/datasource.md): what is wrong with a cluster, and what to do. */
export interface Finding {
  region: string;
  cluster: string;
  /** `Failing` and so on; what is not known is neither good nor bad. */
  severity: string;
  suspect: string;
  statement: string;
  /** Members and hosts of the finding, joined by commas; empty if it is of the whole cluster. */
  member: string;
  host: string;
  /** The hosts as variables of a dashboard's address, encoded. */
  hostVariables: string;
  /** The Kubernetes clusters that store in the cluster. */
  kubernetes: string[];
  /** Milliseconds since 1970; null if it is not known. */
  since: number | null;
  action: string;
  /** The inspection whose run tells more; empty for none. */
  check: string;
  evidence: Evidence[];
}

/** A fact that a finding follows from: `expr` is the PromQL that shows it, `check` the inspection that found it. */
export interface Evidence {
  text: string;
  expr?: string;
  check?: string;
}

/** The rows of a table of findings, in their order. */
export function toFindings(frame: DataFrame): Finding[] {
  const fields = new Map(frame.fields.map(({ name, values }) => [name, values]));
  return Array.from({ length: frame.length }, (_, row) => {
    const cell = (name: string): unknown => fields.get(name)?.[row];
    const text = (name: string) => String(cell(name) ?? '');
    const since = cell('since');
    return {
      region: text('region'),
      cluster: text('cluster'),
      severity: text('severity'),
      suspect: text('suspect'),
      statement: text('statement'),
      member: text('member'),
      host: text('host'),
      hostVariables: text('hostVariables'),
      kubernetes: text('kubernetes').split(', ').filter(Boolean),
      since: typeof since === 'number' ? since : null,
      action: text('action'),
      check: text('check'),
      evidence: (cell('evidence') ?? []) as Evidence[],
    };
  });
}
