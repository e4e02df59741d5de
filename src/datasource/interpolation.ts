import type { ScopedVars } from '@grafana/data';
import type { TemplateSrv } from '@grafana/runtime';

import { mapScope, type Scope } from './scope';

/** The values of a dashboard's variables, and those of a panel of its own (a repeated panel, `$__interval`). */
export interface Variables {
  templates: TemplateSrv;
  scopedVars: ScopedVars;
}

/** Values that a variable takes when its user wants everything. */
export const everything = new Set(['$__all', 'All', '.*', '.+']);

/** Fills in the variables of a scope; a field without remaining values is not a filter and is left out. */
export function expandScope(scope: Scope, variables: Variables): Scope {
  return mapScope((field) => expandList(scope[field] ?? [], variables));
}

/** Replaces each variable by all of its values. One that stands for everything leaves no filter: the empty list. */
export function expandList(entries: string[], variables: Variables): string[] {
  const values = entries.flatMap((entry) => expandEntry(entry, variables));
  return values.some((value) => everything.has(value)) ? [] : [...new Set(values.filter((value) => value !== ''))];
}

const placeholder = '\u0000';

/** One text for each combination of its variables' values: `$a-$b` with two and three values gives six. */
function expandEntry(entry: string, { templates, scopedVars }: Variables): string[] {
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

/** Grafana hands out every option in place of All: thousands of clusters, where an absent filter means the same. */
function isAll(name: string | undefined, templates: TemplateSrv): boolean {
  const variable = templates.getVariables().find((candidate) => candidate.name === name);
  const current = variable && 'current' in variable ? variable.current : undefined;
  return current !== undefined && 'value' in current && [current.value].flat().includes('$__all');
}
