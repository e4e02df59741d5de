import { nextSorting, sorted } from './sorting';
import { testRow } from './testRows';

const rows = [
  testRow({ cluster: 'b', outcome: 'Passed', lastRun: 3 }),
  testRow({ cluster: 'c', outcome: '', lastRun: undefined }),
  testRow({ cluster: 'a', outcome: 'Failed', lastRun: 1 }),
];

it.each([
  ['cluster', 'ascending', 'a b c'],
  ['cluster', 'descending', 'c b a'],
  ['outcome', 'ascending', 'a b c'],
  ['lastRun', 'ascending', 'a b c'],
  ['lastRun', 'descending', 'b a c'],
] as const)('sorts by %s, %s', (column, direction, expected) => {
  expect(
    sorted(rows, { column, direction })
      .map(({ cluster }) => cluster)
      .join(' ')
  ).toBe(expected);
});

it('sorts the worst outcome first: Failed above the Error that may hide it', () => {
  const ofAll = (['', 'Error', 'NotSupported', 'Failed', 'Passed', 'Warning'] as const).map((outcome) =>
    testRow({ outcome })
  );
  expect(sorted(ofAll, { column: 'outcome', direction: 'ascending' }).map(({ outcome }) => outcome)).toEqual([
    'Failed',
    'Error',
    'Warning',
    'Passed',
    'NotSupported',
    '',
  ]);
});

it('keeps the order of the datasource without a sorting', () => expect(sorted(rows, undefined)).toBe(rows));

it('goes from ascending to descending and back to the datasource’s order', () => {
  const first = nextSorting(undefined, 'cluster');
  const second = nextSorting(first, 'cluster');
  expect([first?.direction, second?.direction, nextSorting(second, 'cluster')]).toEqual([
    'ascending',
    'descending',
    undefined,
  ]);
  expect(nextSorting(second, 'check')).toEqual({ column: 'check', direction: 'ascending' });
});
