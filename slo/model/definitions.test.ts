// Mistakes in definitions: each is told with its file, line, field and what to write instead.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadDefinitions, parseDefinitions, readDefinitions, type DefinitionFile } from './definitions.ts';
import { promisesTo } from './model.ts';
import { DefinitionError } from './problem.ts';

const texts = readDefinitions();

/** The line of the first occurrence of a piece of text, from 1. */
const lineOf = (text: string, piece: string) => text.split(piece)[0].split('\n').length;

interface Mistake {
  file: DefinitionFile;
  replace: [from: string, to: string];
  /** A piece of text on the line that is named; by default what is there instead. */
  at?: string;
  field: string;
  message: RegExp;
}

const mistakes: Record<string, Mistake> = {
  'a mistyped field': {
    file: 'slis.yaml',
    replace: ['badWhile: max', 'badwhile: max'],
    field: 'slis.leader.badwhile',
    message: /badwhile is not a field here\. Did you mean badWhile\?/,
  },
  'a missing field': {
    file: 'slis.yaml',
    replace: ['    title: Leader\n', ''],
    at: '  leader:',
    field: 'slis.leader.title',
    message: /is missing\. Write a short title, for example Read latency\./,
  },
  'a mistyped kind': {
    file: 'slis.yaml',
    replace: ['kind: ratio', 'kind: ration'],
    field: 'slis.read-errors.kind',
    message: /ration is not a kind of SLI\. Did you mean ratio\?/,
  },
  'a name with capitals': {
    file: 'slis.yaml',
    replace: ['  leader:', '  Leader:'],
    field: 'slis.Leader',
    message: /is not a name\. Use small letters/,
  },
  'text that is no YAML': {
    file: 'slis.yaml',
    replace: ['of: [read-errors, write-errors]', 'of: [read-errors, write-errors'],
    at: '  inspections:',
    field: '',
    message: /Correct the YAML here\./,
  },
  'a field twice': {
    file: 'objectives.yaml',
    replace: ['window: 30d', 'window: 30d\nwindow: 28d'],
    at: 'window: 28d',
    field: '',
    message: /unique/,
  },
  'an expression for no cluster': {
    file: 'slis.yaml',
    replace: ['max by ($cluster) (etcd_server_has_leader)', 'max(etcd_server_has_leader)'],
    field: 'slis.leader.badWhile',
    message: /Aggregate `by \(\$cluster\)`/,
  },
  'an expression where a selector is wanted': {
    file: 'slis.yaml',
    replace: ['all: grpc_server_started_total{grpc_method="Range"}', 'all: rate(grpc_server_started_total[5m])'],
    field: 'slis.read-errors.all',
    message: /is not a selector\. Write a metric name and label matchers only/,
  },
  'matchers in braces': {
    file: 'slis.yaml',
    replace: ['where: type="Put"', `where: '{type="Put"}'`],
    field: 'slis.put-latency.sources.1.where',
    message: /are not label matchers\. Write them without braces/,
  },
  'an unknown histogram': {
    file: 'slis.yaml',
    replace: ['- histogram: etcd_disk_wal_fsync_duration_seconds', '- histogram: etcd_disk_wal_fsync_seconds'],
    field: 'slis.wal-fsync.sources.0.histogram',
    message: /not listed under histograms\. Did you mean etcd_disk_wal_fsync_duration_seconds\?/,
  },
  'a threshold that is no bucket edge': {
    file: 'slis.yaml',
    replace: ['thresholds: [16ms, 32ms, 64ms, 128ms]', 'thresholds: [10ms, 32ms, 64ms, 128ms]'],
    field: 'slis.wal-fsync.sources.0.thresholds.0',
    message: /10ms is not a bucket edge of etcd_disk_wal_fsync_duration_seconds\. Its edges are 1ms, 2ms, .*8192ms\./,
  },
  'thresholds in disorder': {
    file: 'slis.yaml',
    replace: ['thresholds: [16ms, 32ms, 64ms, 128ms]', 'thresholds: [32ms, 16ms, 64ms, 128ms]'],
    field: 'slis.wal-fsync.sources.0.thresholds.1',
    message: /16ms follows 32ms\. List each once, ascending\./,
  },
  'a sum of different units': {
    file: 'slis.yaml',
    replace: ['of: [read-errors, write-errors]', 'of: [read-errors, wal-fsync]'],
    field: 'slis.request-errors.of.1',
    message: /wal-fsync is of kind latency\. Only events of the same unit can be added/,
  },
  'a sum of something unknown': {
    file: 'slis.yaml',
    replace: ['of: [read-errors, write-errors]', 'of: [read-error, write-errors]'],
    field: 'slis.request-errors.of.0',
    message: /There is no SLI read-error\. Did you mean read-errors\?/,
  },
  'an SLI that no objective has': {
    file: 'objectives.yaml',
    replace: ['slis: [leader, quorum, ', 'slis: [quorum, '],
    at: '  leader:',
    field: 'slis.leader',
    message: /No objective has this SLI\. Add it to one of etcd-availability, .* in objectives\.yaml/,
  },
  'an SLI in two objectives': {
    file: 'objectives.yaml',
    replace: ['slis: [scrapes]', 'slis: [scrapes, leader]'],
    field: 'objectives.data-quality.slis.1',
    message: /leader belongs to etcd-availability already/,
  },
  'an unknown SLI': {
    file: 'objectives.yaml',
    replace: ['slis: [scrapes]', 'slis: [scrapes, writ-errors]'],
    field: 'objectives.data-quality.slis.1',
    message: /There is no SLI writ-errors\. Did you mean write-errors\?/,
  },
  'windows in the wrong order': {
    file: 'objectives.yaml',
    replace: ['long: 1h, short: 5m', 'long: 5m, short: 1h'],
    field: 'burnRates.0.short',
    message: /1h is not shorter than long, which is 5m/,
  },
  'a window of too few evaluations': {
    file: 'objectives.yaml',
    replace: ['long: 1h, short: 5m', 'long: 1h, short: 2m'],
    field: 'burnRates.0.short',
    message: /Write at least 5m/,
  },
  'burn rates in the wrong order': {
    file: 'objectives.yaml',
    replace: ['budget: 5, long: 6h', 'budget: 50, long: 6h'],
    field: 'burnRates.1',
    message: /medium is 60 times too fast and comes after fast, which is slower/,
  },
  'two burn rates of one name': {
    file: 'objectives.yaml',
    replace: ['name: medium', 'name: fast'],
    at: 'budget: 5, long',
    field: 'burnRates.1.name',
    message: /fast is there already/,
  },
  'an invalid urgency': {
    file: 'objectives.yaml',
    replace: ['short: 5m, urgency: page', 'short: 5m, urgency: pager'],
    field: 'burnRates.0.urgency',
    message: /"pager" is not page or ticket/,
  },
  'a target of 100 percent': {
    file: 'classes.yaml',
    replace: ['etcd-availability: 99.9\n', 'etcd-availability: 100\n'],
    field: 'classes.small.targets.etcd-availability',
    message: /100 is not a percentage above 0 and below 100\. Write for example 99\.9\./,
  },
  'a target that is a ratio in words': {
    file: 'classes.yaml',
    replace: ['etcd-availability: 99.9\n', 'etcd-availability: 99.9%\n'],
    field: 'classes.small.targets.etcd-availability',
    message: /"99\.9%" is not a percentage/,
  },
  'a target so low that an alert cannot fire': {
    file: 'classes.yaml',
    replace: ['      data-quality: 99\n', '      data-quality: 90\n'],
    field: 'classes.small.targets.data-quality',
    message: /the alert fast can never fire: it waits for 14\.4 times 10 % of bad events\. Write more than 93\.06/,
  },
  'a target for an unknown objective': {
    file: 'classes.yaml',
    replace: ['      data-quality: 99\n', '      data-quality: 99\n      read-availabilty: 99\n'],
    at: 'read-availabilty',
    field: 'classes.small.targets.read-availabilty',
    message: /There is no objective read-availabilty\. Did you mean read-availability\?/,
  },
  'a target that is missing': {
    file: 'classes.yaml',
    replace: ['      data-quality: 99\n', ''],
    at: '    targets:',
    field: 'classes.small.targets',
    message: /has no target for the objective data-quality\. Add data-quality: 99\.9/,
  },
  'a threshold that is missing': {
    file: 'classes.yaml',
    replace: ['      wal-fsync: 128ms\n', ''],
    at: '    thresholds:',
    field: 'classes.small.thresholds',
    message: /has no threshold for the latency SLI wal-fsync/,
  },
  'a threshold off the edges': {
    file: 'classes.yaml',
    replace: ['wal-fsync: 128ms', 'wal-fsync: 10ms'],
    field: 'classes.small.thresholds.wal-fsync',
    message:
      /10ms is not a threshold of wal-fsync\. It offers 16ms, 32ms, 64ms, 128ms; another edge of etcd_disk_wal_fsync_duration_seconds must be added/,
  },
  'a threshold without a unit': {
    file: 'classes.yaml',
    replace: ['wal-fsync: 128ms', 'wal-fsync: 128'],
    field: 'classes.small.thresholds.wal-fsync',
    message: /128 is not a duration with a unit of ms, s, m, h or d/,
  },
  'a threshold for an SLI without one': {
    file: 'classes.yaml',
    replace: ['wal-fsync: 128ms', 'wal-fsync: 128ms\n      leader: 16ms'],
    at: '      leader: 16ms',
    field: 'classes.small.thresholds.leader',
    message: /There is no latency SLI leader/,
  },
  'a threshold beyond those of another source': {
    file: 'slis.yaml',
    replace: ['thresholds: [128ms, 256ms, 512ms, 1024ms]', 'thresholds: [128ms, 256ms]'],
    at: '      read-latency: 500ms',
    field: 'classes.small.thresholds.read-latency',
    message:
      /500ms is longer than every threshold of the source etcd_server_request_duration_seconds of read-latency \(128ms, 256ms\)/,
  },
  'an override for no clusters': {
    file: 'classes.yaml',
    replace: ['  - product: tke\n    scene: big-customer\n    reason', '  - reason'],
    field: 'overrides.0',
    message: /is for no clusters\. Add product, scene or both\./,
  },
  'an override for a whole class': {
    file: 'classes.yaml',
    replace: ['  - product: tke\n    scene: big-customer\n', '  - spec: large\n'],
    field: 'overrides.0',
    message: /is for all of large\. Edit the class large itself/,
  },
  'an override for an unknown class': {
    file: 'classes.yaml',
    replace: ['scene: big-customer', 'spec: larg'],
    field: 'overrides.0.spec',
    message: /There is no class larg\. Did you mean large\?/,
  },
  'two overrides for the same clusters': {
    file: 'classes.yaml',
    replace: [
      'overrides:\n',
      'overrides:\n  - { product: tke, scene: big-customer, reason: again, targets: { data-quality: 99.9 } }\n',
    ],
    at: '  - product: tke\n',
    field: 'overrides.1',
    message: /is for the same clusters as overrides\.0 \(product tke, scene big-customer\)/,
  },
  'an override that changes nothing': {
    file: 'classes.yaml',
    replace: [
      '    targets: { write-availability: 99.95 }\n    thresholds: { put-latency: 100ms, txn-latency: 100ms }\n',
      '',
    ],
    at: '  - product: tke',
    field: 'overrides.0',
    message: /changes nothing\. Add targets or thresholds\./,
  },
  'a step that holds no whole scrapes': {
    file: 'deployment.yaml',
    replace: ['scrapeInterval: 15s', 'scrapeInterval: 25s'],
    at: 'step: 1m',
    field: 'step',
    message: /1m is not a multiple of the scrape interval/,
  },
  'a step that is too long': {
    file: 'deployment.yaml',
    replace: ['step: 1m', 'step: 5m'],
    field: 'step',
    message: /Write at most 1m/,
  },
  'an address without a scheme': {
    file: 'deployment.yaml',
    replace: ['grafanaUrl: http://grafana:3000', 'grafanaUrl: grafana:3000'],
    field: 'grafanaUrl',
    message: /is not an http or https URL/,
  },
};

for (const [
  what,
  {
    file,
    replace: [from, to],
    at = to,
    field,
    message,
  },
] of Object.entries(mistakes)) {
  test(`${what} is refused`, () => {
    assert.ok(texts[file].includes(from), `${file} has no ${from}`);
    const broken = { ...texts, [file]: texts[file].replace(from, to) };
    const problems = problemsOf(broken);
    const found = problems.find((problem) => problem.field === field && message.test(problem.message));
    assert.ok(found, `got ${JSON.stringify(problems, null, 2)}`);
    const named = found.file.replace('slo/definitions/', '') as DefinitionFile;
    assert.ok(broken[named].includes(at), `${named} has no ${at}`);
    assert.equal(found.line, lineOf(broken[named], at), `the line in ${found.file}`);
  });
}

test('all mistakes are told at once, those of each file', () => {
  const problems = problemsOf({
    'slis.yaml': texts['slis.yaml'].replace('kind: ratio', 'kind: ration').replace('title: Leader', 'titel: Leader'),
    'objectives.yaml': texts['objectives.yaml'].replace('short: 5m', 'short: 1m'),
    'classes.yaml': texts['classes.yaml'].replace('data-quality: 99\n', 'data-quality: 0\n'),
    'deployment.yaml': texts['deployment.yaml'].replace('step: 1m', 'step: 7s'),
  });
  assert.deepEqual(
    new Set(problems.map(({ file }) => file)),
    new Set(
      ['slis.yaml', 'objectives.yaml', 'classes.yaml', 'deployment.yaml'].map((file) => `slo/definitions/${file}`)
    )
  );
  assert.ok(problems.length >= 6);
});

test('the message of the error has a line for each problem', () => {
  assert.throws(
    () => parseDefinitions({ ...texts, 'deployment.yaml': 'step: 1m\n' }),
    (error: Error) => {
      const lines = error.message.split('\n');
      assert.equal(lines.length, 4);
      assert.match(lines[0], /^slo\/definitions\/deployment\.yaml:1: scrapeInterval: is missing\. Write a duration/);
      return true;
    }
  );
});

test('the project’s own definitions are good, in the order of their files', () => {
  const { model, deployment } = loadDefinitions();
  assert.equal(model.slis[0].name, 'leader');
  assert.deepEqual(
    model.objectives.map(({ name }) => name),
    ['etcd-availability', 'read-availability', 'write-availability', 'data-quality']
  );
  assert.deepEqual(
    model.burnRates.map(({ factor }) => factor),
    [14.4, 6, 3, 1]
  );
  assert.equal(deployment.step, 60);
});

test('the most specific override wins, field by field', () => {
  const { model } = parseDefinitions({
    ...texts,
    'classes.yaml': texts['classes.yaml'].replace(
      /overrides:[\s\S]*/,
      `overrides:
  - { scene: s, reason: r, targets: { data-quality: 91, etcd-availability: 99.1 }, thresholds: { put-latency: 50ms } }
  - { product: p, reason: r, targets: { data-quality: 95 } }
  - { scene: s, spec: small, reason: r, targets: { read-availability: 97 } }
  - { product: p, scene: s, reason: r, targets: { write-availability: 98 } }
  - { product: p, scene: s, spec: small, reason: r, targets: { write-availability: 98.5 } }
`.replace('data-quality: 91', 'data-quality: 94')
    ),
  });
  const of = (product: string, scene: string, spec: string) => promisesTo({ product, scene, spec }, model);
  assert.deepEqual(of('p', 's', 'small').targets, {
    'etcd-availability': 0.991,
    'read-availability': 0.97,
    'write-availability': 0.985,
    'data-quality': 0.95,
  });
  assert.equal(of('p', 's', 'large').targets['write-availability'], 0.98);
  assert.equal(of('q', 's', 'large').targets['data-quality'], 0.94);
  assert.equal(of('q', 's', 'large').thresholds['put-latency'], 0.05);
  assert.equal(of('q', 't', 'large').targets['data-quality'], 0.995);
});

function problemsOf(broken: typeof texts) {
  try {
    parseDefinitions(broken);
  } catch (error) {
    assert.ok(error instanceof DefinitionError);
    return error.problems;
  }
  return assert.fail('the definitions were accepted');
}
