import { visibleRange } from './visibleRange';

const thousand = Array.from({ length: 1000 }, () => 40);

it.each([
  ['at the top', 0, { start: 0, end: 15, before: 0, after: 39_400 }],
  ['in the middle', 20_000, { start: 495, end: 515, before: 19_800, after: 19_400 }],
  ['at the end', 39_600, { start: 985, end: 1000, before: 39_400, after: 0 }],
  ['beyond the end, when rows have gone', 90_000, { start: 1000, end: 1000, before: 40_000, after: 0 }],
])('draws what is in view %s', (_, scrollTop, expected) => {
  expect(visibleRange(thousand, scrollTop, 400, 200)).toEqual(expected);
});

it('counts rows of different heights', () => {
  expect(visibleRange([40, 80, 40, 80], 100, 60, 0)).toEqual({ start: 1, end: 3, before: 40, after: 80 });
});

it('draws nothing of nothing', () => {
  expect(visibleRange([], 0, 400, 200)).toEqual({ start: 0, end: 0, before: 0, after: 0 });
});
