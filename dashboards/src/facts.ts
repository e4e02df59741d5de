// Tables of facts: what is known of each region, business, cluster or class, from PromQL expressions.
import type { DynamicConfigValue } from '@grafana/grafana-foundation-sdk/dashboard';
import type { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { rowToBusiness, rowToCluster } from './links.ts';
import { column, linked, notKnown, showColumns, table } from './panels.ts';
import { instant } from './queries.ts';

/** A column of numbers. */
export interface Fact {
  /** The column's title. */
  name: string;
  /** One series, with the table's labels alone, for each row of which the fact is known. */
  expr: string;
  /** In pixels. */
  width: number;
  config?: DynamicConfigValue[];
}

interface FactsTable {
  title: string;
  description: string;
  /** What it says without rows. */
  empty: string;
  /** The labels that tell rows apart, which are the first columns. */
  labels: Label[];
  /** One series, with these labels alone, for each row. */
  rows: string;
  facts: Fact[];
  /** The fact by which rows are sorted, the largest first unless `smallestFirst` says otherwise. */
  sortBy: string;
  smallestFirst?: boolean;
}

const labelColumns = {
  region: column('region', 60),
  product: [...column('product', 85), ...linked(rowToBusiness)],
  cluster: [{ id: 'custom.minWidth', value: 140 }, ...linked(rowToCluster)],
  scene: column('scene', 110),
  spec: column('spec', 70),
  check: [{ id: 'custom.minWidth', value: 180 }],
  server_version: column('version', 80),
} satisfies Record<string, DynamicConfigValue[]>;

type Label = keyof typeof labelColumns;

/**
 * Several facts of each row. All are asked for the same rows, so that the tables of their queries can be merged, and a
 * fact that is not known of a row, or of any, shows a dash.
 */
export function factsTable(of: FactsTable): TableBuilder {
  const { title, description, empty, labels, rows, facts, sortBy, smallestFirst } = of;
  const inOrder = facts.toSorted((a, b) => Number(b.name === sortBy) - Number(a.name === sortBy));
  const asked = (expr: string) => `(${expr}) and ${rows} or NaN * ${rows}`;
  const sorted = (expr: string) => `${smallestFirst ? 'sort' : 'sort_desc'}(${asked(expr)})`;
  const panel = table(title, description, empty)
    .mappings([notKnown])
    .targets(
      // The rows have the order of the first query.
      inOrder.map(({ name, expr }, index) =>
        instant(index === 0 ? sorted(expr) : asked(expr), name, String.fromCharCode(65 + index))
      )
    )
    .withTransformation({ id: 'merge', options: {} });
  return withColumns(panel, labels, facts);
}

interface Ranking {
  title: string;
  description: string;
  empty: string;
  labels: Label[];
  /** Its expression has these labels alone. */
  fact: Fact;
  smallestFirst?: boolean;
}

const longestRanking = 20;

/** The rows with the largest values of one fact, or the smallest. */
export function rankingTable({ title, description, empty, labels, fact, smallestFirst }: Ranking): TableBuilder {
  const [sort, choose] = smallestFirst ? ['sort', 'bottomk'] : ['sort_desc', 'topk'];
  const panel = table(title, `${description} The first ${longestRanking}.`, empty)
    .mappings([notKnown])
    .withTarget(instant(`${sort}(${choose}(${longestRanking}, ${fact.expr}))`, fact.name));
  return withColumns(panel, labels, [fact]);
}

function withColumns(panel: TableBuilder, labels: Label[], facts: Fact[]): TableBuilder {
  for (const label of labels) {
    panel.overrideByName(label, labelColumns[label]);
  }
  for (const { name, width, config = [] } of facts) {
    panel.overrideByName(name, [...column(name, width), ...config]);
  }
  const shown = [...labels, ...facts.map(({ name }) => name)];
  return showColumns(panel, shown, shown);
}
