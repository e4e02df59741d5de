import { normalizeQuery } from '../../queries';

it.each([
  ['an unknown field', { scope: { rack: ['a'] } }, 'scope.rack'],
  ['a scope that is no object', { scope: [] }, 'scope'],
])('normalizeQuery refuses %s', (_, query, field) => {
  expect(normalizeQuery({ kind: 'topology', ...query })).toMatchObject({ field });
});
