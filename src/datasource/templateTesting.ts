import type { ScopedVars } from '@grafana/data';
import type { TemplateSrv } from '@grafana/runtime';

export interface Variable {
  name: string;
  value: string | string[];
  /** What the dashboard shows as chosen, when it is not the value itself. */
  current?: string;
  multi?: boolean;
}

/** Grafana's replacement of `$name`, as far as a datasource sees it. */
export function templatesWith(...variables: Variable[]): TemplateSrv {
  return {
    getVariables: () => variables.map(({ name, value, current }) => ({ name, current: { value: current ?? value } })),
    replace: (text = '', scopedVars: ScopedVars = {}, format?: string | Function) =>
      text.replace(/\$(\w+)/g, (match, name) => {
        const variable = variables.find((candidate) => candidate.name === name);
        const value = scopedVars[name]?.value ?? variable?.value;
        if (value === undefined) {
          return match;
        }
        return typeof format === 'function'
          ? format(value, { includeAll: variable?.multi, ...variable })
          : String(value);
      }),
  } as unknown as TemplateSrv;
}
