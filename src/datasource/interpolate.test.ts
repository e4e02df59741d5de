import type { ScopedVars } from '@grafana/data';
import type { TemplateSrv } from '@grafana/runtime';

import { interpolate } from './interpolate';
import { defaults } from './normalize';
import type { ClustersQuery, PromqlQuery, SloQuery } from './queries';

interface Variable {
  name: string;
  value: string | string[];
  /** What the dashboard shows as chosen, when it is not the value itself. */
  current?: string;
  multi?: boolean;
}

/** Grafana's replacement of `$name`, as far as a datasource sees it. */
function templatesWith(...variables: Variable[]): TemplateSrv {
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

const clusters = (scope: ClustersQuery['scope']): ClustersQuery => ({ refId: 'A', ...defaults.clusters, scope });
const slo = (objectives: string[]): SloQuery => ({ refId: 'A', ...defaults.slo, objectives });
const promql = (expr: string): PromqlQuery => ({ refId: 'A', ...defaults.promql, expr });

describe('a scope', () => {
  it.each<[string, Variable, string[], string[] | undefined]>([
    ['takes all values of a variable', { name: 'r', value: ['gz', 'sh'] }, ['$r'], ['gz', 'sh']],
    ['keeps fixed values beside them', { name: 'r', value: ['gz'] }, ['bj', '$r'], ['bj', 'gz']],
    ['names no value twice', { name: 'r', value: ['gz', 'sh'] }, ['$r', 'gz'], ['gz', 'sh']],
    ['expands a variable inside a text', { name: 'r', value: ['gz', 'sh'] }, ['$r-etcd'], ['gz-etcd', 'sh-etcd']],
    ['combines two variables', { name: 'r', value: ['a', 'b'] }, ['$r/$r'], ['a/a', 'a/b', 'b/a', 'b/b']],
    ['is not filtered by All', { name: 'r', value: ['gz', 'sh'], current: '$__all' }, ['$r'], undefined],
    ['is not filtered by the value for everything', { name: 'r', value: '$__all' }, ['$r'], undefined],
    ['is not filtered by a custom All', { name: 'r', value: '.*' }, ['$r'], undefined],
    ['is not filtered by an empty variable', { name: 'r', value: '' }, ['$r'], undefined],
    ['keeps a variable that nobody knows', { name: 'r', value: 'gz' }, ['$other'], ['$other']],
  ])('%s', (_, variable, region, expected) => {
    expect(interpolate(clusters({ region }), templatesWith(variable), {})).toMatchObject({
      scope: expected ? { region: expected } : {},
    });
  });

  it('follows the value of a repeated panel even when the dashboard shows All', () => {
    const templates = templatesWith({ name: 'r', value: ['gz', 'sh'], current: '$__all' });
    const scopedVars = { r: { text: 'gz', value: 'gz' } };
    expect(interpolate(clusters({ region: ['$r'] }), templates, scopedVars)).toMatchObject({
      scope: { region: ['gz'] },
    });
  });
});

describe('service levels', () => {
  it('take the objectives of a variable, and all for All', () => {
    const several = templatesWith({ name: 'o', value: ['read-availability', 'data-quality'] });
    expect(interpolate(slo(['$o']), several, {})).toMatchObject({ objectives: ['read-availability', 'data-quality'] });
    const all = templatesWith({ name: 'o', value: ['read-availability'], current: '$__all' });
    expect(interpolate(slo(['$o']), all, {})).toMatchObject({ objectives: [] });
  });

  it('fill in their scope', () => {
    const query = { ...slo([]), scope: { region: ['$r'] } };
    expect(interpolate(query, templatesWith({ name: 'r', value: 'gz' }), {})).toMatchObject({
      scope: { region: ['gz'] },
    });
  });
});

describe('a PromQL expression', () => {
  it.each<[string, Variable, string]>([
    ['one value as it is', { name: 'c', value: 'gz-etcd.1' }, 'gz-etcd.1'],
    ['quotes and backslashes escaped', { name: 'c', value: `a"b'c\\d` }, 'a\\x22b\\x27c\\\\d'],
    ['one of several values as a regular expression', { name: 'c', value: ['etcd.1'], multi: true }, 'etcd\\\\.1'],
    ['several values as an alternation', { name: 'c', value: ['a', 'b+'], multi: true }, '(a|b\\\\+)'],
    ['everything as everything', { name: 'c', value: '$__all', multi: true }, '.*'],
  ])('takes %s', (_, variable, expected) => {
    const result = interpolate(promql('up{cluster=~"$c"}'), templatesWith(variable), {});
    expect(result).toMatchObject({ expr: `up{cluster=~"${expected}"}` });
  });

  it('leaves the step to the backend', () => {
    const scopedVars = { __interval: { text: '20s', value: '20s' } };
    const query = promql('rate(x[$__interval])');
    expect(interpolate(query, templatesWith(), scopedVars)).toMatchObject({ expr: 'rate(x[$__interval])' });
  });
});
