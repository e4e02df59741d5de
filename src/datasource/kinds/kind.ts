import type { DataQuery } from '@grafana/schema';
import type { ComponentType } from 'react';

import type { Fields } from '../fields';
import type { Variables } from '../interpolation';
import type { Scope, ScopeField } from '../scope';

/** A query of some kind. */
export interface QueryBase extends DataQuery {
  kind: string;
}

/** All that the datasource knows of a query kind. */
export interface Kind<Q extends QueryBase> {
  /** How the query editor offers it. */
  label: string;
  description: string;
  /** What a query's absent fields mean. */
  defaults: Omit<Q, 'refId'>;
  /** Fills in the defaults and checks the bounds of its own fields, as the backend does. Throws a Refusal. */
  normalize: (fields: Fields) => Omit<Q, 'refId' | 'kind'>;
  /** Fills in the dashboard variables. */
  interpolate: (query: Q, variables: Variables) => Q;
  /** Whether nothing is written yet, so that there is nothing to run. */
  isBlank?: (query: Partial<Q>) => boolean;
  Editor: ComponentType<EditorProps<Q>>;
}

export interface EditorProps<Q extends QueryBase> {
  datasource: Suggestions;
  query: Q;
  /** Takes over the changed fields; the query runs when `run` is left out or true. */
  onChange: (change: Partial<Q>, run?: boolean) => void;
  onRunQuery: () => void;
}

/** The part of the datasource that editors use: the values to offer. */
export interface Suggestions {
  /** The values of one field among the clusters of a scope. */
  scopeValues: (field: ScopeField, scope: Scope) => Promise<string[]>;
  /** The names of the objectives that are recorded for a scope. */
  objectives: (scope: Scope) => Promise<string[]>;
  /** The checks that any inspection names. */
  checks: () => Promise<string[]>;
  /** The reasons of the Events that are there now. */
  reasons: () => Promise<string[]>;
  /** A scope with the dashboard's current values in place of its variables. */
  expandScope: (scope: Scope) => Scope;
}
