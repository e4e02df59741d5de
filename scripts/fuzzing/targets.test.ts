import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTime, readFindings, shareOf, targetsIn } from './targets.ts';

test('the targets of a file are those that Go treats as fuzz targets', () => {
  const source = [
    'func FuzzQuery(f *testing.F) {',
    '// func FuzzComment(f *testing.F) {',
    'func Fuzzy(t *testing.T) {',
    'func Fuzzing(f *testing.F) {', // a lower-case letter after Fuzz: go vet refuses it
    'func TestQuery(t *testing.T) {',
    'func Fuzz_2(x *testing.F) {',
  ].join('\n');
  assert.deepEqual(targetsIn('pkg/datasource/fuzz_test.go', source), [
    { folder: 'pkg/datasource', name: 'FuzzQuery' },
    { folder: 'pkg/datasource', name: 'Fuzz_2' },
  ]);
});

test('times are parsed, and the error for others names the option', () => {
  assert.deepEqual(['90s', '2m', '1h30m'].map(parseTime), [90, 120, 5400]);
  for (const text of ['', '90', '1.5m', '-1s', 'soon']) {
    assert.throws(() => parseTime(text), /--time is .*: write a time such as 90s, 2m or 1h30m/);
  }
});

test('the time is divided, and every target gets some', () => {
  assert.equal(shareOf(90, 15), 6);
  assert.equal(shareOf(90, 16), 5);
  assert.equal(shareOf(3, 15), 1);
});

test('the figures are those of the last line', () => {
  const output = [
    'fuzz: elapsed: 0s, gathering baseline coverage: 0/12 completed',
    'fuzz: elapsed: 0s, gathering baseline coverage: 12/12 completed, now fuzzing with 2 workers',
    'fuzz: elapsed: 3s, execs: 1234 (411/sec), new interesting: 2 (total: 14)',
    'fuzz: elapsed: 5s, execs: 5678 (2222/sec), new interesting: 3 (total: 15)',
    'PASS',
  ].join('\n');
  assert.deepEqual(readFindings(output), {
    executions: 5678,
    interesting: 3,
    failing: undefined,
    cutOff: false,
  });
});

test('a timeout is not a failure, but a panic and a failing input at that time are', () => {
  const end = '--- FAIL: FuzzQuery (4.10s)\n    context deadline exceeded\nFAIL\n';
  assert.ok(readFindings(end).cutOff);
  assert.ok(!readFindings(`panic: no\n${end.replace('context', 'panic: context')}`).cutOff);
  assert.ok(!readFindings(`    Failing input written to testdata/fuzz/FuzzQuery/5\n${end}`).cutOff);
});

test('a failing input is found, from the fuzzer or from the seeds', () => {
  const found = '    Failing input written to testdata/fuzz/FuzzQuery/582528ddfad69eb5\n    To re-run:\n';
  assert.equal(readFindings(found).failing, 'testdata/fuzz/FuzzQuery/582528ddfad69eb5');
  assert.equal(readFindings('failure while testing seed corpus entry: FuzzQuery/seed#3\n').failing, 'FuzzQuery/seed#3');
});
