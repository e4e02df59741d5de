import { normalizeQuery } from '../../queries';

it.each([
  ['an unknown field', { scope: { rack: ['a'] } }, 'scope.rack'],
  ['a scope that is no list', { scope: { region: 'gz' } }, 'scope.region'],
  ['a negative offset', { offset: -1 }, 'offset'],
  ['an unknown sort', { sort: 'colour' }, 'sort'],
])('normalizeQuery refuses %s', (_, query, field) => {
  expect(normalizeQuery({ kind: 'clusters', ...query })).toMatchObject({ field });
});
