import type { ScopedVars } from '@grafana/data';
import type { TemplateSrv } from '@grafana/runtime';

import { dimensions, type FleetQuery, type Scope } from './queries';

/** Values that a variable takes when its user wants everything. */
const everything = new Set(['$__all', 'All', '.*', '.+']);

/** Fills in the dashboard variables of a query. */
export function interpolate(query: FleetQuery, templates: TemplateSrv, scopedVars: ScopedVars): FleetQuery {
  switch (query.kind) {
    case 'promql': {
      // The backend fills these in: it knows the step, which minStep has a say in.
      const { __interval, __interval_ms, ...variables } = scopedVars;
      return {
        ...query,
        expr: templates.replace(query.expr, variables, promqlValue),
        legend: templates.replace(query.legend, variables),
        minStep: templates.replace(query.minStep, variables),
      };
    }
    case 'clusters':
      return { ...query, scope: interpolateScope(query.scope, templates, scopedVars) };
    case 'inspections':
      return {
        ...query,
        scope: interpolateScope(query.scope, templates, scopedVars),
        checks: expandList(query.checks, templates, scopedVars),
      };
    case 'slo':
      return {
        ...query,
        scope: interpolateScope(query.scope, templates, scopedVars),
        objectives: expandList(query.objectives, templates, scopedVars),
      };
  }
}

/** Fills in the variables of a scope; a dimension without values left is no filter and goes. */
export function interpolateScope(scope: Scope, templates: TemplateSrv, scopedVars: ScopedVars): Scope {
  const lists = dimensions.map(
    (dimension) => [dimension, expandList(scope[dimension] ?? [], templates, scopedVars)] as const
  );
  return Object.fromEntries(lists.filter(([, values]) => values.length > 0));
}

/** Replaces each variable by all of its values. One that stands for everything leaves no filter: the empty list. */
function expandList(entries: string[], templates: TemplateSrv, scopedVars: ScopedVars): string[] {
  const values = entries.flatMap((entry) => expandEntry(entry, templates, scopedVars));
  return values.some((value) => everything.has(value)) ? [] : [...new Set(values.filter((value) => value !== ''))];
}

const placeholder = '\u0000';

/** One text for each combination of its variables' values: `$a-$b` with two and three values gives six. */
function expandEntry(entry: string, templates: TemplateSrv, scopedVars: ScopedVars): string[] {
  const choices: string[][] = [];
  const note = (value: string | string[], variable: { name?: string }) => {
    choices.push(Array.isArray(value) && isAll(variable.name, templates) ? ['$__all'] : [value].flat().map(String));
    return placeholder;
  };
  const [first, ...rest] = templates.replace(entry, scopedVars, note).split(placeholder);
  return rest.reduce(
    (texts, piece, index) => texts.flatMap((text) => choices[index].map((value) => text + value + piece)),
    [first]
  );
}

/** Grafana hands out every option in place of All: thousands of clusters where no filter says the same. */
function isAll(name: string | undefined, templates: TemplateSrv): boolean {
  const variable = templates.getVariables().find((candidate) => candidate.name === name);
  const current = variable && 'current' in variable ? variable.current : undefined;
  return current !== undefined && 'value' in current && [current.value].flat().includes('$__all');
}

/**
 * A variable's value inside a PromQL text: several values become an alternation, and characters that would end the
 * text or act as a regular expression are escaped.
 */
function promqlValue(value: string | string[], variable: { multi?: boolean; includeAll?: boolean } = {}): string {
  const values = [value].flat().map(String);
  if (!variable.multi && !variable.includeAll) {
    return values.map(escapeText).join('|');
  }
  const escaped = values.map((one) => (everything.has(one) ? '.*' : escapeText(escapeRegex(one))));
  return escaped.length === 1 ? escaped[0] : `(${escaped.join('|')})`;
}

/** Quotes are escaped by their code because PromQL accepts `\'` only between single quotes, `\"` between double. */
function escapeText(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/"/g, '\\x22').replace(/'/g, '\\x27').replace(/\n/g, '\\n');
}

function escapeRegex(value: string): string {
  return value.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
