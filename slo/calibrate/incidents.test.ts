// Every format of an incident list, and what is said about a mistake in one.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { describeScope, inScope, parseIncidents } from './incidents.ts';
import { labelsOf } from './pretended.ts';

const start = Date.parse('2026-07-01T10:00:00Z') / 1000;
const wanted = {
  start,
  end: start + 1800,
  scope: { region: ['gz'], cluster: ['a', 'b'] },
  severity: 'critical',
  note: 'two members, "paused"',
  urgency: 'page',
};

const formats: Record<string, string> = {
  'incidents.yaml': `- start: 2026-07-01T10:00:00Z
  end: 2026-07-01T18:30:00+08:00
  scope: { region: gz, cluster: [a, b] }
  severity: critical
  note: two members, "paused"
`,
  'incidents.json': JSON.stringify({
    incidents: [
      {
        start: '2026-07-01T10:00:00Z',
        end: '2026-07-01T10:30:00Z',
        scope: { region: 'gz', cluster: ['a', 'b'] },
        severity: 'critical',
        note: 'two members, "paused"',
      },
    ],
  }),
  'incidents.csv': `start,end,region,cluster,severity,note
2026-07-01T10:00:00Z,2026-07-01T10:30:00Z,gz,a|b,critical,"two members, ""paused"""
`,
};

for (const [file, text] of Object.entries(formats)) {
  test(`${file} is read`, () => {
    const [{ where, ...found }, ...others] = parseIncidents(text, file);
    assert.deepEqual(found, wanted);
    assert.match(where, new RegExp(`^${file}:[12]$`));
    assert.equal(others.length, 0);
  });
}

test("Alertmanager's alerts are incidents in the scope of their labels", () => {
  const alerts = [
    {
      startsAt: '2026-07-01T10:00:00.000Z',
      endsAt: '2026-07-01T10:30:00.000Z',
      labels: { alertname: 'EtcdNoLeader', severity: 'critical', region: 'gz', cluster: 'a', job: 'etcd' },
      annotations: { summary: 'no leader' },
      status: { state: 'active' },
    },
  ];
  const [found] = parseIncidents(JSON.stringify(alerts), 'alerts.json');
  assert.deepEqual(found.scope, { region: ['gz'], cluster: ['a'] });
  assert.deepEqual(
    [found.start, found.end, found.severity, found.note],
    [start, start + 1800, 'critical', 'EtcdNoLeader: no leader']
  );
});

test("Kubernetes' warnings about a cluster are its incidents, other events are not", () => {
  const about = { kind: 'EtcdCluster', name: 'a', namespace: 'gz' };
  const list = {
    kind: 'List',
    items: [
      {
        kind: 'Event',
        type: 'Normal',
        reason: 'Passed',
        involvedObject: about,
        firstTimestamp: '2026-07-01T09:00:00Z',
        lastTimestamp: '2026-07-01T09:00:00Z',
      },
      {
        kind: 'Event',
        type: 'Warning',
        reason: 'MemberLost',
        message: 'm0',
        involvedObject: about,
        firstTimestamp: '2026-07-01T10:00:00Z',
        lastTimestamp: '2026-07-01T10:30:00Z',
      },
      {
        kind: 'Event',
        type: 'Warning',
        reason: 'InspectionFailed',
        note: 'n',
        regarding: { kind: 'EtcdMonitor', name: 'a-alarms', namespace: 'gz' },
        related: about,
        eventTime: '2026-07-01T10:00:00.000000Z',
      },
    ],
  };
  const found = parseIncidents(JSON.stringify(list), 'events.json');
  assert.deepEqual(
    found.map(({ scope, end, note }) => ({ scope, end, note })),
    [
      { scope: { region: ['gz'], cluster: ['a'] }, end: start + 1800, note: 'MemberLost: m0' },
      { scope: { region: ['gz'], cluster: ['a'] }, end: start, note: 'InspectionFailed: n' },
    ]
  );
});

/** Incidents and what was left out, read at 11:00 on the day of the example. */
function readAt11(text: string, file: string) {
  const leftOut: string[] = [];
  const now = start + 3600;
  const incidents = parseIncidents(text, file, { now, onLeftOut: (sentence) => leftOut.push(sentence) });
  return { incidents, leftOut, now };
}

test('alerts that check the alerting, or are about something else, are left out with the reason', () => {
  const alert = (labels: Record<string, string>, endsAt = '2026-07-01T10:20:00Z') => ({
    startsAt: '2026-07-01T10:00:00Z',
    endsAt,
    labels,
    annotations: {},
  });
  const alerts = [
    alert({ alertname: 'Watchdog', severity: 'none', prometheus: 'monitoring/k8s' }, '2026-07-31T00:04:00Z'),
    alert({ alertname: 'InfoInhibitor', severity: 'none', namespace: 'web' }),
    alert({ alertname: 'DeadMansSwitch', severity: 'critical', region: 'gz' }),
    alert({ alertname: 'KubePodCrashLooping', severity: 'critical', namespace: 'web' }),
    alert({ alertname: 'EtcdDown', severity: 'critical', region: 'gz', cluster: 'a' }),
    alert({ alertname: 'EtcdDown', severity: 'critical', region: 'gz', cluster: 'b' }, '0001-01-01T00:00:00Z'),
  ];
  const { incidents, leftOut, now } = readAt11(JSON.stringify(alerts, null, 1), 'alerts.json');
  assert.deepEqual(
    incidents.map(({ note, scope, end }) => [note, describeScope(scope), end]),
    [
      ['EtcdDown', 'region=gz cluster=a', start + 1200],
      ['EtcdDown', 'region=gz cluster=b', now],
    ]
  );
  assert.deepEqual(
    leftOut.map((sentence) => sentence.split(' is left out')[0].replace(/:\d+: /, ' ')),
    [
      'alerts.json Watchdog',
      'alerts.json InfoInhibitor',
      'alerts.json DeadMansSwitch',
      'alerts.json KubePodCrashLooping',
    ]
  );
});

test('an Event about anything but a cluster, or about an inspection that could not run, widens no scope', () => {
  const events = {
    apiVersion: 'v1',
    kind: 'EventList', // whose items do not repeat their kind
    items: [
      {
        type: 'Warning',
        reason: 'InspectionError',
        metadata: { name: 'gz-orders-backup-age.17a', namespace: 'gz' },
        involvedObject: { kind: 'EtcdMonitor', name: 'gz-orders-backup-age', namespace: 'gz' },
        related: { kind: 'EtcdCluster', name: 'gz-orders', namespace: 'gz' },
        firstTimestamp: null,
        eventTime: '2026-07-01T00:00:00.000000Z',
        series: { count: 700, lastObservedTime: '2026-07-30T00:00:00.000000Z' },
      },
      {
        type: 'Warning',
        reason: 'BackOff',
        metadata: { name: 'web-7f.17b', namespace: 'gz' },
        involvedObject: { apiVersion: 'v1', kind: 'Pod', name: 'web-7f', namespace: 'gz' },
        firstTimestamp: '2026-07-03T00:00:00Z',
        lastTimestamp: '2026-07-20T00:00:00Z',
      },
      {
        type: 'Warning',
        reason: 'Degraded',
        metadata: { name: 'other.17c', namespace: 'gz' },
        involvedObject: { apiVersion: 'operator.etcd.io/v1alpha1', kind: 'EtcdCluster', name: 'other' },
        firstTimestamp: '2026-07-03T00:00:00Z',
      },
    ],
  };
  const { incidents, leftOut } = readAt11(JSON.stringify(events), 'events.json');
  assert.deepEqual(incidents, []);
  assert.equal(leftOut.length, 3);
  assert.match(leftOut[1], /about Pod web-7f and names no EtcdCluster/);
});

for (const [what, file, text] of [
  ['CSV', 'i.csv', 'start,end,cluster\n2026-07-01T10:00:00Z,,a\n'],
  ['YAML with an empty end', 'i.yaml', '- start: 2026-07-01T10:00:00Z\n  end:\n  scope: { cluster: a }\n'],
  ['YAML without an end', 'i.yaml', '- start: 2026-07-01T10:00:00Z\n  scope: { cluster: a }\n'],
]) {
  test(`an incident without an end lasts until now: ${what}`, () => {
    const { incidents, now } = readAt11(text, file);
    assert.deepEqual(
      incidents.map(({ end, scope }) => [end, scope]),
      [[now, { cluster: ['a'] }]]
    );
  });
}

for (const [what, file, text] of [
  ['a byte order mark', 'i.csv', '\uFEFF"start","end","cluster"\n"2026-07-01T10:00:00Z","2026-07-01T10:30:00Z","a"\n'],
  ['semicolons and other letter case', 'i.csv', 'Start;End;Cluster\r\n2026-07-01T10:00:00Z;2026-07-01T10:30:00Z;a\r\n'],
  ['tabs', 'incidents', 'start\tend\tcluster\n2026-07-01T10:00:00Z\t2026-07-01T10:30:00Z\ta\n'],
  [
    'a byte order mark before YAML',
    'i.yaml',
    '\uFEFF- { start: 2026-07-01T10:00:00Z, end: 2026-07-01T10:30:00Z, scope: { cluster: a } }\n',
  ],
  [
    'separators around YAML',
    'i.yaml',
    '---\n- { start: 2026-07-01T10:00:00Z, end: 2026-07-01T10:30:00Z, scope: { cluster: a } }\n---\n# end\n',
  ],
]) {
  test(`a list with ${what} is read`, () => {
    const [{ scope, end }, ...others] = parseIncidents(text, file);
    assert.deepEqual([scope, end, others], [{ cluster: ['a'] }, start + 1800, []]);
  });
}

for (const [file, wantedIncidents, wantedLeftOut] of [
  [
    'alerts-that-always-fire.json',
    [['EtcdDown: Two members are gone.', 'page', 'region=gz cluster=gz-etcd-default', '2026-07-01T10:20:00.000Z']],
    [/:2: Watchdog is left out/, /:9: InfoInhibitor is left out/],
  ],
  ['events-about-others.json', [], [/:5: .* inspection that could not run/, /:15: .* about Pod web-7f/]],
  [
    'byte-order-mark.csv',
    [['a slow disk', 'page', 'region=gz cluster=gz-etcd-default', '2026-07-01T10:40:00.000Z']],
    [],
  ],
  [
    'without-end.csv',
    [
      ['a slow disk', 'page', 'region=gz cluster=gz-etcd-default', '2026-07-01T10:40:00.000Z'],
      ['still open', 'page', 'region=gz cluster=gz-etcd-large', '2026-07-03T10:00:00.000Z'],
    ],
    [],
  ],
] as const) {
  test(`${file} is read as the tools write it`, () => {
    const leftOut: string[] = [];
    const found = parseIncidents(readFileSync(new URL(`./testdata/${file}`, import.meta.url), 'utf8'), file, {
      now: Date.parse('2026-07-03T10:00:00Z') / 1000,
      onLeftOut: (sentence) => leftOut.push(sentence),
    });
    assert.deepEqual(
      found.map(({ note, urgency, scope, end }) => [
        note,
        urgency,
        describeScope(scope),
        new Date(end * 1000).toISOString(),
      ]),
      wantedIncidents
    );
    assert.equal(leftOut.length, wantedLeftOut.length);
    wantedLeftOut.forEach((sentence, index) => assert.match(leftOut[index], sentence));
  });
}

test('an invalid end is not also reported as an end before the start', () => {
  assert.throws(() => parseIncidents('start,end\n2026-07-01T10:00:00Z,soon\n', 'i.csv'), {
    message: /^i\.csv:2: end: soon is not a time[^\n]*$/,
  });
});

test('an empty list is no incident', () => assert.deepEqual(parseIncidents('\n', 'x.yaml'), []));

for (const [mistake, file, text, message] of [
  [
    'no time',
    'i.yaml',
    '- start: yesterday\n  end: 2026-07-01T10:00:00Z\n',
    /^i\.yaml:1: 0\.start: yesterday is not a time\. Write RFC 3339/,
  ],
  ['no start', 'i.yaml', '- end: 2026-07-01T10:00:00Z\n', /^i\.yaml:1: 0\.start: is missing\. Write RFC 3339/],
  ['no zone', 'i.csv', 'start,end\n2026-07-01T10:00:00,2026-07-01T11:00:00Z\n', /^i\.csv:2: start: .* with a zone/],
  [
    'an end before the start',
    'i.yaml',
    '- start: 2026-07-01T10:00:00Z\n  end: 2026-07-01T09:00:00Z\n',
    /^i\.yaml:2: 0\.end: is before start/,
  ],
  [
    'a wrong label',
    'i.yaml',
    '- start: 2026-07-01T10:00:00Z\n  end: 2026-07-01T11:00:00Z\n  scope:\n    clutser: a\n',
    /^i\.yaml:3: 0\.scope: clutser is not a label of clusters\. Did you mean cluster\?/,
  ],
  [
    'a wrong field',
    'i.yaml',
    '- start: 2026-07-01T10:00:00Z\n  end: 2026-07-01T11:00:00Z\n  notes: a\n',
    /notes is not a field of an incident\. Did you mean note\?/,
  ],
  ['a wrong column', 'i.csv', 'start,end,clustr\n', /^i\.csv:1: clustr: is not a column\. Did you mean cluster\?/],
  ['no column end', 'i.csv', 'start,cluster\n', /^i\.csv:1: has no column end/],
  [
    'text with a comma',
    'i.csv',
    'start,end,note\n2026-07-01T10:00:00Z,2026-07-01T11:00:00Z,a,b\n',
    /^i\.csv:2: has 4 cells for 3 columns\. Put quotes/,
  ],
  ['something else', 'i.yaml', 'hello: world\n', /^i\.yaml:1: is not a list of incidents/],
] as const) {
  test(`a list with ${mistake} is refused, with the place and the remedy`, () => {
    assert.throws(() => parseIncidents(text, file), message instanceof RegExp ? { message } : message);
  });
}

test('all mistakes of a list are told at once', () => {
  const text = '- start: a\n  end: b\n- start: c\n  end: d\n';
  assert.throws(
    () => parseIncidents(text, 'i.yaml'),
    (error: Error) => error.message.split('\n').length === 4
  );
});

test('a scope holds the clusters that have one of the values of each label', () => {
  const scope = { region: ['gz'], cluster: ['a', 'b'] };
  assert.ok(inScope(scope, labelsOf('b')));
  assert.ok(!inScope(scope, labelsOf('c')));
  assert.ok(inScope({}, labelsOf('c')));
  assert.equal(describeScope(scope), 'region=gz cluster=a|b');
});
