// Every format of an incident list, and what is said about a mistake in one.
import assert from 'node:assert/strict';
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

test("Kubernetes' warnings about a cluster are incidents of it, other events are none", () => {
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
        reason: 'Late',
        note: 'n',
        regarding: { kind: 'EtcdMonitor', namespace: 'gz' },
        eventTime: '2026-07-01T10:00:00.000000Z',
      },
    ],
  };
  const found = parseIncidents(JSON.stringify(list), 'events.json');
  assert.deepEqual(
    found.map(({ scope, end, note }) => ({ scope, end, note })),
    [
      { scope: { region: ['gz'], cluster: ['a'] }, end: start + 1800, note: 'MemberLost: m0' },
      { scope: { region: ['gz'] }, end: start, note: 'Late: n' },
    ]
  );
});

test('an empty list is no incident', () => assert.deepEqual(parseIncidents('\n', 'x.yaml'), []));

for (const [mistake, file, text, message] of [
  [
    'no time',
    'i.yaml',
    '- start: yesterday\n  end: 2026-07-01T10:00:00Z\n',
    /^i\.yaml:1: 0\.start: yesterday is not a time\. Write RFC 3339/,
  ],
  ['no end', 'i.yaml', '- start: 2026-07-01T10:00:00Z\n', /^i\.yaml:1: 0\.end: is missing\. Write RFC 3339/],
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
    /^i\.yaml:3: 0\.scope: clutser is no label of clusters\. Did you mean cluster\?/,
  ],
  [
    'a wrong field',
    'i.yaml',
    '- start: 2026-07-01T10:00:00Z\n  end: 2026-07-01T11:00:00Z\n  notes: a\n',
    /notes is no field of an incident\. Did you mean note\?/,
  ],
  ['a wrong column', 'i.csv', 'start,end,clustr\n', /^i\.csv:1: clustr: is no column\. Did you mean cluster\?/],
  ['no column end', 'i.csv', 'start,cluster\n', /^i\.csv:1: has no column end/],
  [
    'text with a comma',
    'i.csv',
    'start,end,note\n2026-07-01T10:00:00Z,2026-07-01T11:00:00Z,a,b\n',
    /^i\.csv:2: has 4 cells for 3 columns\. Put quotes/,
  ],
  ['something else', 'i.yaml', 'hello: world\n', /^i\.yaml:1: is no list of incidents/],
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
