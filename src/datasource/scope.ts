import { asFields, type Fields, Refusal, texts } from './fields';

/** The inventory's dimensions: labels of every etcd series and fields of every EtcdCluster. */
export const dimensions = ['region', 'product', 'scene', 'spec', 'cluster'] as const;

export type Dimension = (typeof dimensions)[number];

/**
 * Which clusters a query is about. Each dimension lists the wanted values; an absent or empty list means all. Values
 * may hold dashboard variables, also those with several values.
 */
export type Scope = Partial<Record<Dimension, string[]>>;

/** The scope of a query. A dimension without values is left out: it means the same as an absent one. */
export function scopeOf(fields: Fields): Scope {
  const given = asFields(fields.scope ?? {}, 'scope');
  const unknown = Object.keys(given).find((name) => !(dimensions as readonly string[]).includes(name));
  if (unknown !== undefined) {
    throw new Refusal(`scope.${unknown}`, `scope has no dimension ${unknown}: use ${dimensions.join(', ')}`);
  }
  return mapScope((dimension) => texts(given[dimension], `scope.${dimension}`));
}

/** A scope from the values of each dimension, without the dimensions that have none. */
export function mapScope(valuesOf: (dimension: Dimension) => string[]): Scope {
  const lists = dimensions.map((dimension) => [dimension, valuesOf(dimension)] as const);
  return Object.fromEntries(lists.filter(([, values]) => values.length > 0));
}
