import type { DataContextScopedVar, ScopedVars } from '@grafana/data';

import { dimensions, type ScopeField } from '../../datasource/scope';

/** What a page gives a dashboard's panel in place of the dashboard's variables. A field that is absent stands for all. */
export interface PageVariables extends Partial<Record<ScopeField, string>> {
  /** A datasource's uid. */
  datasource: string;
}

/** How far back a page looks, which its links keep. */
export const pageRange = { from: 'now-1h', to: 'now' };

/** Filters nothing: scopes drop it, and a PromQL matcher takes it as it is. */
const all = '.*';

/** The variables as queries read them. */
export function scopedVarsOf(variables: PageVariables): ScopedVars {
  const values = dimensions.map((field) => [field, variables[field] ?? all] as const);
  return Object.fromEntries(values.map(([field, value]) => [field, { text: value, value }]));
}

const expression = /\$\{([^}:]+)(?::(\w+))?\}/g;

/**
 * Fills in the variables of links: the page's own, `__url_time_range`, `__from` and `__to`, and those of the table row or
 * series that is clicked, `__data.fields.<name>` and `__field.labels.<name>`. Formats are `percentencode`, `queryparam` and
 * `raw`. Grafana's own service does not know the page's variables, and changes nothing for panels on pages.
 */
export function fillIn(text: string, variables: PageVariables, context?: DataContextScopedVar): string {
  return text.replace(expression, (match, name: string, format?: string) => {
    const value = valueOf(name, variables, context);
    return value === undefined ? match : formatted(name, value, format);
  });
}

function valueOf(name: string, variables: PageVariables, context?: DataContextScopedVar): string | undefined {
  if (name === '__url_time_range') {
    return new URLSearchParams(pageRange).toString();
  }
  if (name === '__from' || name === '__to') {
    return name === '__from' ? pageRange.from : pageRange.to;
  }
  const [column, label] = ['__data.fields.', '__field.labels.'].map((prefix) =>
    name.startsWith(prefix) ? name.slice(prefix.length) : undefined
  );
  const row = context?.value;
  if (column !== undefined && row) {
    return String(row.frame.fields.find((field) => field.name === column)?.values[row.rowIndex ?? 0] ?? '');
  }
  if (label !== undefined && row) {
    return row.field.labels?.[label] ?? '';
  }
  return variables[name as keyof PageVariables];
}

function formatted(name: string, value: string, format: string | undefined): string {
  switch (format) {
    case 'percentencode':
      return encodeURIComponent(value);
    case 'queryparam':
      return `var-${name}=${encodeURIComponent(value)}`;
    default:
      return value;
  }
}
