import type { DataQuery } from '@grafana/schema';

/**
 * The queries of the etcd Fleet datasource: a union discriminated by `kind`.
 *
 * pkg/datasource/query.go mirrors it; both sides read the golden files in pkg/datasource/testdata/queries, so a
 * difference between them fails a test.
 */
export type FleetQuery = PromqlQuery | ClustersQuery | InspectionsQuery | SloQuery;

/** Every kind, in the order in which the editor offers them. */
export const queryKinds = ['promql', 'clusters', 'inspections', 'slo'] as const;

export type QueryKind = (typeof queryKinds)[number];

/** The inventory's dimensions: labels of every etcd series and fields of every EtcdCluster. */
export const dimensions = ['region', 'product', 'scene', 'spec', 'cluster'] as const;

export type Dimension = (typeof dimensions)[number];

/**
 * Which clusters a query is about. Each dimension lists the wanted values; an absent or empty list means all. Values
 * may hold dashboard variables, also those with several values.
 */
export type Scope = Partial<Record<Dimension, string[]>>;

export const outcomes = ['NotSupported', 'Passed', 'Warning', 'Failed', 'Error'] as const;

/**
 * How an inspection ended, from good to bad. Error: the check could not be done; NotSupported: the cluster's etcd version
 * has not what it needs, and there is nothing to do.
 */
export type Outcome = (typeof outcomes)[number];

/** Tables are cut to `limit` rows on the server. */
export const defaultLimit = 100;
export const maxLimit = 1000;

interface FleetQueryBase extends DataQuery {
  kind: QueryKind;
}

/** A PromQL expression, evaluated by Thanos query. */
export interface PromqlQuery extends FleetQueryBase {
  kind: 'promql';
  expr: string;
  /** `range` gives one frame a series, `instant` a table with a row a series. */
  mode: 'range' | 'instant';
  /** Series name with `{{label}}` placeholders; empty means all labels. */
  legend: string;
  /** The smallest step between two points as a Prometheus duration (`15s`); empty means what the panel asks for. */
  minStep: string;
}

export const clusterSorts = ['health', 'region', 'cluster', 'keys', 'dbSize', 'lastInspection'] as const;

/** The inventory with health and last inspection, a row a cluster, worst first unless sorted otherwise. */
export interface ClustersQuery extends FleetQueryBase {
  kind: 'clusters';
  scope: Scope;
  /** Return only this dimension's distinct values (for dashboard variables); empty means whole rows. */
  distinct: Dimension | '';
  sort: (typeof clusterSorts)[number];
  descending: boolean;
  limit: number;
  offset: number;
}

/** The inspections of a scope with their history, a row an EtcdMonitor, worst first. */
export interface InspectionsQuery extends FleetQueryBase {
  kind: 'inspections';
  scope: Scope;
  /** Check names such as `etcd-node-key-diff`; empty means all. */
  checks: string[];
  /** Outcomes of the last run; empty means all. */
  outcomes: Outcome[];
  limit: number;
  offset: number;
}

/** What a row of service levels stands for. */
export const sloLevels = ['fleet', 'region', 'product', 'scene', 'spec', 'cluster'] as const;

/** The windows over which events are summed; the last one is that of the error budget. */
export const sloWindows = ['5m', '30m', '1h', '2h', '6h', '1d', '3d', '30d'] as const;

export const sloSorts = ['budgetLeft', 'burnRate', 'ratio', 'target', 'bad', 'all'] as const;

export const sloParts = ['objective', 'sli'] as const;

/** How well groups of clusters keep their objectives, from recorded series; the least error budget first. */
export interface SloQuery extends FleetQueryBase {
  kind: 'slo';
  scope: Scope;
  level: (typeof sloLevels)[number];
  /** A row for each objective, with its worst SLI, or for each SLI. */
  by: (typeof sloParts)[number];
  /** Names such as `etcd-availability`; empty means all. */
  objectives: string[];
  window: (typeof sloWindows)[number];
  /** Return only the names of the objectives or SLIs (for dashboard variables); empty means whole rows. */
  distinct: (typeof sloParts)[number] | '';
  sort: (typeof sloSorts)[number];
  descending: boolean;
  limit: number;
  offset: number;
}

/** The queries that can answer with the values of a dashboard variable. */
export type DistinctQuery = ClustersQuery | SloQuery;
