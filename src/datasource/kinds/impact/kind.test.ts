import { normalizeQuery } from '../../queries';

it.each([
  ['an unknown row', { by: 'rack' }, 'by'],
  ['a limit of zero', { limit: 0 }, 'limit'],
])('normalizeQuery refuses %s', (_, query, field) => {
  expect(normalizeQuery({ kind: 'impact', ...query })).toMatchObject({ field });
});
