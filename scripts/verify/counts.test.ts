import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goTest, jest, nodeTest, playwright } from './counts.ts';

test('go test: counts tests and their subtests, names what was skipped and why', () => {
  const events = [
    { Action: 'output', Package: 'p', Test: 'TestB', Output: 'want 1\n' },
    { Action: 'pass', Package: 'p', Test: 'TestA' },
    { Action: 'fail', Package: 'p', Test: 'TestB' },
    { Action: 'output', Package: 'p', Test: 'TestC', Output: '=== RUN   TestC\n' },
    { Action: 'output', Package: 'p', Test: 'TestC', Output: '    c_test.go:7: no etcd here: install it\n' },
    { Action: 'output', Package: 'p', Test: 'TestC', Output: '--- SKIP: TestC (0.00s)\n' },
    { Action: 'skip', Package: 'p', Test: 'TestC' },
    { Action: 'skip', Package: 'p', Test: 'TestD' },
    { Action: 'fail', Package: 'p' },
  ];
  assert.deepEqual(goTest(events.map((event) => JSON.stringify(event)).join('\n')), {
    passed: 1,
    failed: 1,
    skipped: ['p TestC: no etcd here: install it', 'p TestD'],
    failures: ['p TestB:\nwant 1\n'],
  });
});

test('go test: a package that does not compile is a failure, with what the compiler said', () => {
  const events = [
    { Action: 'build-output', ImportPath: 'q', Output: 'undefined: x\n' },
    { Action: 'fail', Package: 'p', FailedBuild: 'q' },
  ];
  const counts = goTest(`noise\n${events.map((event) => JSON.stringify(event)).join('\n')}\n`);
  assert.equal(counts.failed, 1);
  assert.deepEqual(counts.failures, ['p:\nundefined: x\n']);
});

test('jest: counts tests, files that cannot be loaded, and names pending ones', () => {
  const report = {
    numPassedTests: 3,
    numFailedTests: 1,
    numRuntimeErrorTestSuites: 1,
    testResults: [{ message: 'cannot find x', assertionResults: [{ status: 'pending', fullName: 'later' }] }],
  };
  assert.deepEqual(jest(JSON.stringify(report)), {
    passed: 3,
    failed: 2,
    skipped: ['later'],
    failures: ['cannot find x'],
  });
});

test('node test: reads the summary and the skips', () => {
  const output = 'TAP version 13\nok 1 - fine\nok 2 - not now # SKIP no docker\n# pass 1\n# fail 2\n# cancelled 1\n';
  assert.deepEqual(nodeTest(output), { passed: 1, failed: 3, skipped: ['not now: no docker'] });
});

test('playwright: walks nested suites and says why a test was skipped', () => {
  const spec = (status: string, description?: string) => ({
    title: status,
    tests: [
      {
        status,
        annotations: description ? [{ type: 'skip', description }] : [],
        results: [{ error: { message: 'not there' } }],
      },
    ],
  });
  const report = {
    errors: [],
    suites: [
      {
        title: 'file',
        specs: [spec('expected')],
        suites: [{ title: 'inner', specs: [spec('unexpected'), spec('skipped', 'no Grafana')] }],
      },
    ],
  };
  assert.deepEqual(playwright(JSON.stringify(report, null, 1)), {
    passed: 1,
    failed: 1,
    skipped: ['inner: skipped: no Grafana'],
    failures: ['inner: unexpected:\nnot there'],
  });
});
