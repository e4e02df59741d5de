import { normalizeQuery } from '../../queries';

it.each([
  ['an unknown choice of findings', { findings: 'some' }, 'findings'],
  ['a limit of zero', { limit: 0 }, 'limit'],
])('normalizeQuery refuses %s', (_, query, field) => {
  expect(normalizeQuery({ kind: 'diagnosis', ...query })).toMatchObject({ field });
});
