// Formats the figures of a run and compares them with the targets.
import { markdownTable as table } from '../table.ts';

/** Times of one query, in seconds. */
interface QueryFigures {
  group: string;
  name: string;
  kind: string;
  rows: number;
  runs: number;
  p50: number;
  p99: number;
  /** The median of the same query while the datasource remembers the clusters' health; 0 for kinds that read none. */
  again: number;
}

interface DashboardFigures {
  name: string;
  opened: number;
  panels: number;
  p50: number;
  max: number;
  panelP50: number;
  panelP99: number;
  failed: number;
  firstFailure?: string;
}

/** The output of bench/datasource/measure with what is known of the machine. Times are in seconds, memory in bytes. */
export interface Figures {
  cores: number;
  /** The load of other programs on the machine at the start. */
  loadBefore: number;
  series: number;
  clusters: number;
  monitors: number;
  records: number;
  events: number;
  burning: number;
  createSeconds: number;
  firstAnswerSeconds: number;
  firstAnswerRows: number;
  syncedSeconds: number;
  heapBytes: number;
  residentBytes: number;
  peakBytes: number;
  otherBytes: Record<string, number>;
  queries: QueryFigures[];
  /** The same by group and kind. */
  kinds: QueryFigures[];
  dashboards: DashboardFigures[];
  lists: Array<{ name: string; objects: number; list: number; query: number }>;
  /** The share of the cores that other programs had, by group. */
  others: Record<string, number>;
}

/** The longest that a query of a group may take, in seconds. */
const targets: Array<{ group: string; seconds: number }> = [
  { group: 'tier 1', seconds: 0.3 },
  { group: 'tier 3', seconds: 0.2 },
  { group: 'diagnosis of one cluster', seconds: 0.5 },
  { group: 'diagnosis of a region', seconds: 2 },
];

export function report(figures: Figures): string {
  return [
    `# The datasource in front of ${figures.clusters} clusters`,
    `${figures.cores} cores, shared with the API server, its etcd, Prometheus, Thanos and other programs (load ${figures.loadBefore.toFixed(1)} before the run). ` +
      `${figures.monitors} EtcdMonitors of ${figures.records} records, ${figures.events} Events, ${figures.series} series. ${figures.burning} clusters of one region burn; each diagnosis named the fault that was seeded.`,
    '## Targets',
    targets.map((target) => judgement(target, figures)).join('\n'),
    '## The datasource itself',
    itself(figures),
    '## Queries by kind',
    queryTable(figures.kinds, 'kind'),
    '## Queries',
    'The slowest first. Queries that read the health of clusters run when nothing is remembered of it; `again` is the same within five seconds.',
    ...groups(figures.queries).flatMap(([group, queries]) => [
      `### ${group[0].toUpperCase()}${group.slice(1)}`,
      `Other programs had ${percent(figures.others[group])} of the cores.`,
      queryTable(
        queries.toSorted((a, b) => b.p50 - a.p50),
        'query'
      ),
    ]),
    '## 50 dashboards at once',
    `Other programs had ${percent(figures.others['50 dashboards'])} of the cores.`,
    dashboardTable(figures.dashboards),
    '## A LIST for each query instead',
    table(
      ['inspections of', 'objects', 'from memory', 'LIST of the same objects', 'ratio'],
      figures.lists.map(({ name, objects, list, query }) => [
        name,
        `${objects}`,
        seconds(query),
        seconds(list),
        `${Math.round(list / query)} ×`,
      ])
    ),
  ].join('\n\n');
}

function judgement({ group, seconds: most }: (typeof targets)[number], { queries }: Figures): string {
  const of = queries.filter((query) => query.group === group);
  const within = (key: 'p50' | 'p99') => of.filter((query) => query[key] <= most).length;
  const slowest = of.toSorted((a, b) => b.p50 - a.p50)[0];
  return (
    `- ${within('p99') === of.length ? 'reached' : 'NOT reached'}: ${group} within ${seconds(most)} a query: ` +
    `${within('p50')} of ${of.length} queries by their median, ${within('p99')} by their p99; the slowest, ${slowest.name}, takes ${seconds(slowest.p50)} (p99 ${seconds(slowest.p99)})`
  );
}

function itself(figures: Figures): string {
  const servers = Object.entries(figures.otherBytes).map(([name, bytes]) => `${name} ${mebibytes(bytes)}`);
  return table(
    ['what', 'figure'],
    [
      ['first answer', `${seconds(figures.firstAnswerSeconds)}, with ${figures.firstAnswerRows} clusters`],
      ['first complete answer', seconds(figures.syncedSeconds)],
      ['objects in memory', mebibytes(figures.heapBytes)],
      ['resident after all queries', mebibytes(figures.residentBytes)],
      ['resident at most', mebibytes(figures.peakBytes)],
      ['the servers', servers.join(', ')],
    ]
  );
}

function groups(queries: QueryFigures[]): Array<[string, QueryFigures[]]> {
  const names = [...new Set(queries.map(({ group }) => group))];
  return names.map((name) => [name, queries.filter(({ group }) => group === name)]);
}

function queryTable(queries: QueryFigures[], first: 'kind' | 'query'): string {
  return table(
    [...(first === 'kind' ? ['of', 'kind'] : ['query', 'kind']), 'rows', 'runs', 'p50', 'p99', 'again'],
    queries.map(({ group, name, kind, rows, runs, p50, p99, again }) => [
      ...(first === 'kind' ? [group, kind] : [name, kind]),
      `${rows}`,
      `${runs}`,
      seconds(p50),
      seconds(p99),
      again ? seconds(again) : '–',
    ])
  );
}

function dashboardTable(dashboards: DashboardFigures[]): string {
  const failures = dashboards.filter(({ failed }) => failed > 0);
  return [
    table(
      ['dashboard', 'opened', 'panels', 'complete, p50', 'longest', 'panel p50', 'panel p99', 'failed panels'],
      dashboards.map((of) => [
        of.name,
        `${of.opened}`,
        `${of.panels}`,
        seconds(of.p50),
        seconds(of.max),
        seconds(of.panelP50),
        seconds(of.panelP99),
        `${of.failed} of ${of.opened * of.panels}`,
      ])
    ),
    ...failures.map(({ name, firstFailure }) => `The first failure of ${name}: ${firstFailure}`),
  ].join('\n\n');
}

const seconds = (value: number) => (value < 1 ? `${(value * 1000).toPrecision(3)} ms` : `${value.toPrecision(3)} s`);
const percent = (share: number) => `${(share * 100).toPrecision(2)} %`;
const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
