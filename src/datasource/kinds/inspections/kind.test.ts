import { normalizeQuery } from '../../queries';

it.each([
  ['a limit of zero', { limit: 0 }, 'limit'],
  ['a broken limit', { limit: 1.5 }, 'limit'],
  ['an unknown outcome', { outcomes: ['Great'] }, 'outcomes'],
])('normalizeQuery refuses %s', (_, query, field) => {
  expect(normalizeQuery({ kind: 'inspections', ...query })).toMatchObject({ field });
});
