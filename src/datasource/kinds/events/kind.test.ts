import { interpolateQuery, normalizeQuery } from '../../queries';
import { templatesWith } from '../../templateTesting';
import { eventsDefaults } from './query';

it.each([
  ['an unknown type', { types: 'Error' }, 'types'],
  ['a reason that is no list', { reasons: 'InspectionFailed' }, 'reasons'],
  ['an unknown format', { format: 'logs' }, 'format'],
  ['an unknown field of the scope', { scope: { rack: ['a'] } }, 'scope.rack'],
  ['a limit of zero', { limit: 0 }, 'limit'],
])('normalizeQuery refuses %s', (_, query, field) => {
  expect(normalizeQuery({ kind: 'events', ...query })).toMatchObject({ field });
});

it('fills in the variables of its scope and its reasons', () => {
  const templates = templatesWith({ name: 'v', value: ['a', 'b'] });
  const query = { refId: 'A', ...eventsDefaults, scope: { cluster: ['$v'] }, reasons: ['$v'] };
  expect(interpolateQuery(query, { templates, scopedVars: {} })).toMatchObject({
    scope: { cluster: ['a', 'b'] },
    reasons: ['a', 'b'],
  });
});
