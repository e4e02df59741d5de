// The variables with which every dashboard is narrowed, in the order of the tiers.
import type * as cog from '@grafana/grafana-foundation-sdk/cog';
import {
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  VariableRefresh,
  type VariableModel,
} from '@grafana/grafana-foundation-sdk/dashboard';
import type { Scope, ScopeField } from '../../src/datasource/scope.ts';
import { datasource } from './queries.ts';

type Variable = cog.Builder<VariableModel>;

export function datasourceVariable(): Variable {
  return new DatasourceVariableBuilder('datasource').label('Datasource').type(datasource.type);
}

/** Several values or all of a field, of those that the scope's clusters have. */
export function filterVariable(field: ScopeField, label: string, scope: Scope = {}): Variable {
  return severalOf(field, label, scope).current({ text: 'All', value: '$__all' });
}

/** The same, with one value chosen at first, or all where no cluster has it. */
export function filterVariableAt(value: string, field: ScopeField, label: string, scope: Scope = {}): Variable {
  return severalOf(field, label, scope).current({ text: [value], value: [value] });
}

const severalOf = (field: ScopeField, label: string, scope: Scope) =>
  inventoryVariable(field, label, scope).multi(true).includeAll(true);

/** Exactly one value of a field. */
export function choiceVariable(field: ScopeField, label: string, scope: Scope = {}): Variable {
  return inventoryVariable(field, label, scope);
}

/**
 * Values are read when the dashboard is opened and not again: Grafana replaces a value that is no longer, or not yet, among
 * them by the first one, so that the page would show another cluster without a word.
 */
function inventoryVariable(field: ScopeField, label: string, scope: Scope): QueryVariableBuilder {
  return new QueryVariableBuilder(field)
    .label(label)
    .datasource(datasource)
    .query({ refId: field, kind: 'clusters', distinct: field, scope })
    .definition(`${field} of the inventory`)
    .refresh(VariableRefresh.OnDashboardLoad);
}
