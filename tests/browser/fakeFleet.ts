import type { Route } from '@playwright/test';

import type { FakeApi } from './hostPage.ts';

/** An inspection of the fake fleet. Absent fields have the values of an idle inspection that passed. */
export interface FakeInspection {
  region?: string;
  cluster: string;
  outcome?: string;
  state?: string;
  message?: string;
}

export interface FakeColumn {
  name: string;
  type: 'string' | 'number' | 'time' | 'other';
  values: unknown[];
}

export interface FakeAnswers {
  inspections?: FakeInspection[];
  regions?: Array<Record<string, unknown>>;
  permission?: { status?: number; body: object };
  /** The answer to `POST inspections/run`. */
  run?: { status: number; body: object };
  health?: { status: number; body: object };
  /** The findings of the clusters that are hurt, or of the one that is asked for; none by default. */
  findings?: Array<Record<string, unknown>>;
  /** Notices of the diagnosis. */
  notices?: string[];
  /** The columns that an instant query returns by its expression; none by default. */
  series?: (expr: string) => FakeColumn[];
  /** The columns of a ranking of service levels; none by default. */
  levels?: FakeColumn[];
  /** An error that the query returns instead of a table. */
  queryError?: string;
}

export interface FakeFleet {
  api: FakeApi;
  /** The bodies of `POST inspections/run`, in order. */
  runs: unknown[];
  answers: FakeAnswers;
}

const columns = {
  strings: [
    'region',
    'cluster',
    'product',
    'scene',
    'spec',
    'check',
    'outcome',
    'state',
    'message',
    'request',
    'answeredRequest',
    'requestedBy',
  ],
  times: ['lastRun', 'nextRun'],
};

const findingColumns = [
  ...['region', 'cluster', 'severity', 'suspect', 'statement', 'member', 'host', 'hostVariables', 'since', 'action'],
  ...['check', 'kubernetes', 'evidence'],
];

/** For those that are not texts. */
const emptyCells: Record<string, unknown> = { since: null, evidence: [] };

/**
 * A fake datasource for states that are hard to create in a real fleet: refusals, stale regions, a run without an
 * answer, a thousand inspections. All other states are tested with a real datasource.
 */
export function fakeFleet(answers: FakeAnswers = {}): FakeFleet {
  const fleet: FakeFleet = { answers, runs: [], api: (route, url) => answer(fleet, route, url) };
  return fleet;
}

function answer({ answers, runs }: FakeFleet, route: Route, url: URL): Promise<void> {
  const json = (body: unknown, status = 200) => route.fulfill({ status, json: body });
  const path = url.pathname.replace(/^\/api\/(datasources\/uid\/[^/]+\/)?/, '');
  switch (path) {
    case 'ds/query':
      return json(queryAnswer(answers, route.request().postDataJSON()));
    case 'resources/inspections/permission':
      return json(answers.permission?.body ?? { allowed: true, reason: '' }, answers.permission?.status);
    case 'resources/inspections/run':
      runs.push(route.request().postDataJSON());
      return json(answers.run?.body ?? { request: new Date().toISOString() }, answers.run?.status ?? 202);
    case 'resources/checks':
      return json(['etcd-node-key-diff']);
    case 'resources/reasons':
      return json(['InspectionFailed']);
    case 'health':
      return json(answers.health?.body ?? { status: 'OK', message: 'works' }, answers.health?.status);
    default:
      return json({ message: `The fake fleet knows no ${path}` }, 404);
  }
}

function queryAnswer(answers: FakeAnswers, { queries }: { queries: Array<Record<string, any>> }) {
  const results = queries.map((query) => [query.refId, resultOf(answers, query)] as const);
  return { results: Object.fromEntries(results) };
}

function resultOf(answers: FakeAnswers, query: Record<string, any>) {
  if (answers.queryError) {
    return { status: 500, error: answers.queryError };
  }
  if (query.kind === 'clusters') {
    const values = [...new Set(inspectionsOf(answers).map((inspection) => inspection[query.distinct as 'region']))];
    return { status: 200, frames: [frame(query.distinct, [{ name: query.distinct, type: 'string', values }])] };
  }
  if (query.kind === 'promql') {
    return { status: 200, frames: [frame('promql', answers.series?.(query.expr) ?? [])] };
  }
  if (query.kind === 'slo' && !query.distinct) {
    return { status: 200, frames: [frame('slo', answers.levels ?? [])] };
  }
  if (query.kind === 'slo') {
    return {
      status: 200,
      frames: [frame(query.distinct, [{ name: query.distinct, type: 'string', values: ['read-availability'] }])],
    };
  }
  if (query.kind === 'diagnosis') {
    const findings = answers.findings ?? [];
    const fields = findingColumns.map((name) => ({
      name,
      type: { since: 'time', evidence: 'other' }[name] ?? 'string',
      values: findings.map((finding) => finding[name] ?? (name in emptyCells ? emptyCells[name] : '')),
    }));
    const notices = (answers.notices ?? []).map((text) => ({ severity: 'warning', text }));
    return { status: 200, frames: [frame('diagnosis', fields, {}, notices)] };
  }
  const wanted: string[] | undefined = query.scope?.cluster;
  const rows = inspectionsOf(answers).filter(({ cluster }) => !wanted || wanted.includes(String(cluster)));
  const fields = [
    ...columns.strings.map((name) => ({ name, type: 'string', values: rows.map((row) => row[name as 'region']) })),
    ...columns.times.map((name) => ({ name, type: 'time', values: rows.map((row) => row[name as 'region']) })),
    { name: 'history', type: 'other', values: rows.map((row) => row.history) },
  ];
  return { status: 200, frames: [frame('inspections', fields, { regions: answers.regions ?? [] })] };
}

function inspectionsOf({ inspections = [] }: FakeAnswers) {
  return inspections.map((inspection) => ({
    region: 'gz',
    product: 'tke',
    scene: 'business',
    spec: 'default',
    check: 'etcd-node-key-diff',
    outcome: 'Passed',
    state: 'idle',
    message: 'nodeKeyDiff is 0',
    request: '',
    answeredRequest: '',
    requestedBy: '',
    lastRun: Date.now() - 60_000,
    nextRun: Date.now() + 240_000,
    history: history(),
    ...inspection,
  }));
}

function history() {
  return Array.from({ length: 20 }, (_, index) => ({
    time: Date.now() - (20 - index) * 300_000,
    outcome: index === 15 ? 'Failed' : 'Passed',
    message: `nodeKeyDiff is ${index === 15 ? 7 : 0}`,
    values: { nodeKeyDiff: index === 15 ? 7 : 0 },
  }));
}

/** A frame as the backend names it: by the query's kind. */
function frame(
  name: string,
  fields: Array<{ name: string; type: string; values: unknown[] }>,
  custom: object = {},
  notices: object[] = []
) {
  return {
    schema: { name, fields: fields.map(({ name, type }) => ({ name, type })), meta: { custom, notices } },
    data: { values: fields.map(({ values }) => values) },
  };
}
