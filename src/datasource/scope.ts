import { asFields, type Fields, Refusal, texts } from './fields';

/** The dimensions: labels of every etcd series and fields of every EtcdCluster. */
export const dimensions = ['region', 'product', 'scene', 'spec', 'cluster'] as const;

/**
 * A cluster's fields in a scope: the dimensions, and what the inventory alone knows. Host and zone are those of a member, and
 * kubernetes the Kubernetes clusters that store their objects in the cluster.
 */
export const scopeFields = [...dimensions, 'host', 'zone', 'kubernetes'] as const;

export type ScopeField = (typeof scopeFields)[number];

/**
 * Which clusters a query is about. Each field lists the wanted values; an absent or empty list means all. Values may hold
 * dashboard variables, also those with several values.
 */
export type Scope = Partial<Record<ScopeField, string[]>>;

/**
 * The scope of a query, of the fields that its kind allows. A field without values is left out: it means the same as an
 * absent one.
 */
export function scopeOf(fields: Fields, allowed: readonly ScopeField[] = scopeFields): Scope {
  const given = asFields(fields.scope ?? {}, 'scope');
  const unknown = Object.keys(given).find((name) => !(allowed as readonly string[]).includes(name));
  if (unknown !== undefined) {
    throw new Refusal(`scope.${unknown}`, `scope.${unknown} is not a field of this scope: use ${allowed.join(', ')}`);
  }
  return mapScope((field) => texts(given[field], `scope.${field}`));
}

/** A scope from the values of each field, without the fields that have none. */
export function mapScope(valuesOf: (field: ScopeField) => string[]): Scope {
  const lists = scopeFields.map((field) => [field, valuesOf(field)] as const);
  return Object.fromEntries(lists.filter(([, values]) => values.length > 0));
}
