import { interpolateQuery, normalizeQuery } from '../../queries';
import { templatesWith, type Variable } from '../../templateTesting';
import { promqlDefaults, type PromqlQuery } from './query';

const promql = (expr: string): PromqlQuery => ({ refId: 'A', ...promqlDefaults, expr });

describe('a PromQL expression', () => {
  it.each<[string, Variable, string]>([
    ['one value as it is', { name: 'c', value: 'gz-etcd.1' }, 'gz-etcd.1'],
    ['quotes and backslashes escaped', { name: 'c', value: `a"b'c\\d` }, 'a\\x22b\\x27c\\\\d'],
    ['a backtick escaped', { name: 'c', value: 'a`} or up{b=`' }, 'a\\x60} or up{b=\\x60'],
    ['one of several values as a regular expression', { name: 'c', value: ['etcd.1'], multi: true }, 'etcd\\\\.1'],
    ['several values as an alternation', { name: 'c', value: ['a', 'b+'], multi: true }, '(a|b\\\\+)'],
    ['everything as everything', { name: 'c', value: '$__all', multi: true }, '.*'],
  ])('takes %s', (_, variable, expected) => {
    const result = interpolateQuery(promql('up{cluster=~"$c"}'), {
      templates: templatesWith(variable),
      scopedVars: {},
    });
    expect(result).toMatchObject({ expr: `up{cluster=~"${expected}"}` });
  });

  it('leaves the step to the backend', () => {
    const scopedVars = { __interval: { text: '20s', value: '20s' } };
    const query = promql('rate(x[$__interval])');
    expect(interpolateQuery(query, { templates: templatesWith(), scopedVars })).toMatchObject({
      expr: 'rate(x[$__interval])',
    });
  });
});

describe('normalizeQuery', () => {
  it('refuses a step that is not a duration', () => {
    expect(normalizeQuery({ kind: 'promql', expr: 'up', minStep: 'soon' })).toMatchObject({ field: 'minStep' });
  });

  it('accepts a step that is a variable', () => {
    expect(normalizeQuery({ refId: 'A', kind: 'promql', expr: 'up', minStep: '$__interval' })).toMatchObject({
      minStep: '$__interval',
    });
  });
});
