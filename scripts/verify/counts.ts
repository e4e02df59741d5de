// Reads how many tests passed and failed from what each test runner reports.

export interface Counts {
  passed: number;
  failed: number;
  /** What did not run and why; never empty strings. */
  skipped: string[];
  /** What the runner says of each test that failed, where its report is not fit for reading as it is. */
  failures?: string[];
}

export const nothing: Counts = { passed: 0, failed: 0, skipped: [] };

export function add(a: Counts, b: Counts): Counts {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: [...a.skipped, ...b.skipped],
    failures: [...(a.failures ?? []), ...(b.failures ?? [])],
  };
}

interface GoEvent {
  Action: string;
  Package?: string;
  ImportPath?: string;
  Test?: string;
  Output?: string;
  FailedBuild?: string;
}

/** `go test -json`: an event a line; a package that does not compile fails without a test. */
export function goTest(output: string): Counts {
  const counts = { ...nothing, skipped: [] as string[], failures: [] as string[] };
  const printed = new Map<string, string>();
  for (const line of output.split('\n').filter((text) => text.startsWith('{'))) {
    const event = JSON.parse(line) as GoEvent;
    const test = `${event.Package ?? event.ImportPath} ${event.Test ?? ''}`.trim();
    if (event.Output) {
      printed.set(test, (printed.get(test) ?? '') + event.Output);
    } else if (event.Action === 'pass' && event.Test) {
      counts.passed++;
    } else if (event.Action === 'fail' && (event.Test || event.FailedBuild)) {
      counts.failed++;
      counts.failures.push(`${test}:\n${printed.get(event.FailedBuild ?? test) ?? ''}`);
    } else if (event.Action === 'skip' && event.Test) {
      counts.skipped.push([test, reasonOfSkip(printed.get(test))].filter(Boolean).join(': '));
    }
  }
  return counts;
}

/** What a Go test said when it skipped itself: "    file_test.go:12: no etcd" among what else it printed. */
function reasonOfSkip(output = ''): string | undefined {
  return [...output.matchAll(/^ +\S+\.go:\d+: (.*)$/gm)].at(-1)?.[1];
}

/** `jest --json`. A file that cannot be loaded counts as one failed test. */
export function jest(output: string): Counts {
  const report = JSON.parse(output.slice(output.indexOf('{'))) as {
    numPassedTests: number;
    numFailedTests: number;
    numRuntimeErrorTestSuites: number;
    testResults: Array<{ message: string; assertionResults: Array<{ status: string; fullName: string }> }>;
  };
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + report.numRuntimeErrorTestSuites,
    skipped: report.testResults
      .flatMap((file) => file.assertionResults)
      .filter((test) => test.status === 'pending' || test.status === 'todo')
      .map((test) => test.fullName),
    failures: report.testResults.map((file) => file.message).filter(Boolean),
  };
}

/** `node --test --test-reporter=tap`: the summary is at the end. */
export function nodeTest(output: string): Counts {
  const figure = (name: string) => Number(new RegExp(`^# ${name} (\\d+)`, 'm').exec(output)?.[1] ?? 0);
  const skipped = [...output.matchAll(/^\s*ok \d+ - (.+) # SKIP ?(.*)$/gm)].map(([, test, why]) => `${test}: ${why}`);
  return { passed: figure('pass'), failed: figure('fail') + figure('cancelled'), skipped };
}

interface PlaywrightSuite {
  title: string;
  suites?: PlaywrightSuite[];
  specs: Array<{
    title: string;
    tests: Array<{
      status: string;
      annotations: Array<{ type: string; description?: string }>;
      results: Array<{ error?: { message?: string; stack?: string } }>;
    }>;
  }>;
}

/** `playwright test --reporter=json`. */
export function playwright(output: string): Counts {
  const report = JSON.parse(output.slice(output.indexOf('{\n'))) as {
    suites: PlaywrightSuite[];
    errors: Array<{ message?: string }>;
  };
  const failures = report.errors.map((error) => error.message ?? 'unknown error');
  const counts = { ...nothing, failed: failures.length, skipped: [] as string[], failures };
  const visit = (suite: PlaywrightSuite) => {
    for (const spec of suite.specs) {
      for (const test of spec.tests) {
        if (test.status === 'skipped') {
          const why =
            test.annotations.find((annotation) => annotation.type === 'skip')?.description ?? 'no reason given';
          counts.skipped.push(`${suite.title}: ${spec.title}: ${why}`);
        } else if (test.status === 'unexpected') {
          counts.failed++;
          const error = test.results.at(-1)?.error;
          failures.push(`${suite.title}: ${spec.title}:\n${error?.stack ?? error?.message ?? ''}`);
        } else {
          counts.passed++;
        }
      }
    }
    suite.suites?.forEach(visit);
  };
  report.suites.forEach(visit);
  return counts;
}
