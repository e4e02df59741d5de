import type { ComponentType } from 'react';

import type { FleetDatasource } from '../datasource';
import { defaults } from '../normalize';
import type { FleetQuery, QueryKind } from '../queries';
import { ClustersEditor } from './ClustersEditor';
import { InspectionsEditor } from './InspectionsEditor';
import { PromqlEditor } from './PromqlEditor';
import { SloEditor } from './SloEditor';

type QueryOf<K extends QueryKind> = Extract<FleetQuery, { kind: K }>;

export interface KindEditorProps<Q extends FleetQuery> {
  datasource: FleetDatasource;
  query: Q;
  /** Takes over the changed fields; the query runs when `run` is left out or true. */
  onChange: (change: Partial<Q>, run?: boolean) => void;
  onRunQuery: () => void;
}

interface KindEntry<Q extends FleetQuery> {
  label: string;
  description: string;
  Editor: ComponentType<KindEditorProps<Q>>;
  default: Omit<Q, 'refId'>;
}

/** All that the query editor knows of a kind: a new kind is one line here and one editor. */
export const kinds: { [K in QueryKind]: KindEntry<QueryOf<K>> } = {
  promql: {
    label: 'PromQL',
    description: 'An expression over the metrics of every region, answered by Thanos query',
    Editor: PromqlEditor,
    default: defaults.promql,
  },
  clusters: {
    label: 'Clusters',
    description: 'The inventory, a row a cluster, with its health and its last inspection',
    Editor: ClustersEditor,
    default: defaults.clusters,
  },
  inspections: {
    label: 'Inspections',
    description: 'What is inspected and how it went, a row an inspection, for the etcd inspections panel',
    Editor: InspectionsEditor,
    default: defaults.inspections,
  },
  slo: {
    label: 'Service levels',
    description: 'Error budgets and burn rates from recorded series, a row an objective of a group of clusters, ranked',
    Editor: SloEditor,
    default: defaults.slo,
  },
};
