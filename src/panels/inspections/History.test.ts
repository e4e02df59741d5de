import { describe as inWords, measuredValue } from './History';

const run = (outcome: 'Passed' | 'Failed', values = {}) => ({ time: 0, outcome, message: '', values });

it('tells a history in words', () => {
  expect(inWords([run('Passed'), run('Passed'), run('Failed')], 'utc')).toBe(
    'last 3 runs: 2 Passed, 1 Failed; newest Failed at 1970-01-01 00:00:00'
  );
  expect(inWords([run('Passed')], 'utc')).toMatch(/^last run: 1 Passed/);
});

it.each([
  ['that the newest message tells', 'keys 7, nodeKeyDiff is 0', { members: 3, nodeKeyDiff: 0 }, 'nodeKeyDiff'],
  ['that is first when none is told', 'fine', { z: 1, a: 2 }, 'a'],
  ['not at all when nothing is measured', 'fine', {}, undefined],
])('draws the measurement %s', (_, message, values, expected) => {
  expect(measuredValue([run('Passed', { older: 1 }), { ...run('Passed', values), message }])).toBe(expected);
});
