import { clusters } from './clusters/kind';
import { diagnosis } from './diagnosis/kind';
import { events } from './events/kind';
import { impact } from './impact/kind';
import { inspections } from './inspections/kind';
import type { Kind } from './kind';
import { promql } from './promql/kind';
import { slo } from './slo/kind';
import { topology } from './topology/kind';

/**
 * Every query kind by its name, in the order in which the editor offers them: a new kind is a folder and a line here. The
 * backend's table is in pkg/datasource/query.go; a test compares them.
 */
export const kinds = {
  promql,
  clusters,
  inspections,
  slo,
  diagnosis,
  impact,
  topology,
  events,
};

export type QueryKind = keyof typeof kinds;

export const queryKinds = Object.keys(kinds) as QueryKind[];

/** The queries of the etcd Fleet datasource: a union discriminated by `kind`. */
export type FleetQuery = ReturnType<(typeof kinds)[QueryKind]['interpolate']>;

/** A kind for a query whose kind is not known before it runs. */
export function kindNamed(name: QueryKind): Kind<FleetQuery> {
  // The table pairs each name with a kind of its own query; TypeScript cannot follow that through the lookup.
  return kinds[name] as unknown as Kind<FleetQuery>;
}
