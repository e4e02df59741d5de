import { expandScope } from './interpolation';
import { templatesWith, type Variable } from './templateTesting';

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
    expect(expandScope({ region }, { templates: templatesWith(variable), scopedVars: {} })).toEqual(
      expected ? { region: expected } : {}
    );
  });

  it('follows the value of a repeated panel even when the dashboard shows All', () => {
    const templates = templatesWith({ name: 'r', value: ['gz', 'sh'], current: '$__all' });
    const scopedVars = { r: { text: 'gz', value: 'gz' } };
    expect(expandScope({ region: ['$r'] }, { templates, scopedVars })).toEqual({ region: ['gz'] });
  });
});
