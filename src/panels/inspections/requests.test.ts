import { maxLimit } from '../../datasource/page';
import { queriesFor } from './requests';
import { testRow } from './testRows';

it('asks for exactly the waiting inspections', () => {
  const queries = queriesFor([
    testRow({ region: 'gz', cluster: 'a', check: 'keys' }),
    testRow({ region: 'sh', cluster: 'b', check: 'keys' }),
    testRow({ region: 'gz', cluster: 'c', check: 'keys' }),
    testRow({ region: 'gz', cluster: 'a', check: 'hash' }),
  ]);
  expect(queries.map(({ scope, checks }) => [scope.region, scope.cluster, checks])).toEqual([
    [['gz'], ['a', 'c'], ['keys']],
    [['sh'], ['b'], ['keys']],
    [['gz'], ['a'], ['hash']],
  ]);
  expect(new Set(queries.map(({ refId }) => refId)).size).toBe(3);
});

it('asks for no more rows than a query may return', () => {
  const rows = Array.from({ length: maxLimit + 1 }, (_, index) => testRow({ cluster: `c${index}` }));
  expect(queriesFor(rows).map(({ scope }) => scope.cluster?.length)).toEqual([maxLimit, 1]);
});
