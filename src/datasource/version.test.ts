import type { Fields } from './fields';
import { migrated } from './version';

const renamed = (from: string, to: string) => (fields: Fields) => {
  const { [from]: value, ...others } = fields;
  return { ...others, [to]: value };
};
const steps = [renamed('query', 'expression'), renamed('expression', 'expr')];

it.each<[string, Fields]>([
  ['none', { query: 'up' }],
  ['null', { query: 'up', version: null }],
  ['1', { query: 'up', version: 1 }],
  ['2', { expression: 'up', version: 2 }],
  ['3', { expr: 'up', version: 3 }],
])('migrations bring a query of the version %s to the current one, in their order', (_, fields) => {
  expect(migrated(fields, steps)).toEqual({ expr: 'up', version: 3 });
});

it('a query of a newer version is refused', () => {
  expect(() => migrated({ expr: 'up', version: 4 }, steps)).toThrow(
    'version is 4, and this plugin reads queries up to version 3: update the app etcd Fleet to the release that wrote the query'
  );
});

it('version 1 needs no number', () => {
  expect(migrated({ expr: 'up', version: 1 }, [])).toEqual({ expr: 'up' });
});
