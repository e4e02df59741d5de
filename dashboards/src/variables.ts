// The variables with which every dashboard is narrowed, in the order of the tiers.
import type * as cog from '@grafana/grafana-foundation-sdk/cog';
import {
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  VariableRefresh,
  type VariableModel,
} from '@grafana/grafana-foundation-sdk/dashboard';
import type { Dimension, Scope } from '../../src/datasource/scope.ts';
import { datasource } from './queries.ts';

type Variable = cog.Builder<VariableModel>;

export function datasourceVariable(): Variable {
  return new DatasourceVariableBuilder('datasource').label('Datasource').type(datasource.type);
}

/** Several values or all of a dimension, of those that the scope's clusters have. */
export function filterVariable(dimension: Dimension, label: string, scope: Scope = {}): Variable {
  return inventoryVariable(dimension, label, scope)
    .multi(true)
    .includeAll(true)
    .current({ text: 'All', value: '$__all' });
}

/** Exactly one value of a dimension. */
export function choiceVariable(dimension: Dimension, label: string, scope: Scope = {}): Variable {
  return inventoryVariable(dimension, label, scope);
}

/**
 * Values are read when the dashboard is opened and not again: Grafana replaces a value that is no longer, or not yet, among
 * them by the first one, so that the page would show another cluster without a word.
 */
function inventoryVariable(dimension: Dimension, label: string, scope: Scope): QueryVariableBuilder {
  return new QueryVariableBuilder(dimension)
    .label(label)
    .datasource(datasource)
    .query({ refId: dimension, kind: 'clusters', distinct: dimension, scope })
    .definition(`${dimension} of the inventory`)
    .refresh(VariableRefresh.OnDashboardLoad);
}
