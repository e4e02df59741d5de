import {
  type ClustersQuery,
  clusterSorts,
  defaultLimit,
  dimensions,
  type FleetQuery,
  type InspectionsQuery,
  maxLimit,
  outcomes,
  type PromqlQuery,
  queryKinds,
  type QueryKind,
  type Scope,
  sloLevels,
  sloParts,
  type SloQuery,
  sloSorts,
  sloWindows,
} from './queries';

/** Why a query is refused: the field to blame, and a sentence for the user. */
export interface QueryProblem {
  field: string;
  message: string;
}

type QueryOf<K extends QueryKind> = Extract<FleetQuery, { kind: K }>;

/** What a query's absent fields mean. */
export const defaults: { [K in QueryKind]: Omit<QueryOf<K>, 'refId'> } = {
  promql: { kind: 'promql', expr: '', mode: 'range', legend: '', minStep: '' },
  clusters: {
    kind: 'clusters',
    scope: {},
    distinct: '',
    sort: 'health',
    descending: false,
    limit: defaultLimit,
    offset: 0,
  },
  inspections: { kind: 'inspections', scope: {}, checks: [], outcomes: [], limit: defaultLimit, offset: 0 },
  slo: {
    kind: 'slo',
    scope: {},
    level: 'cluster',
    by: 'objective',
    objectives: [],
    window: '30d',
    distinct: '',
    sort: 'budgetLeft',
    descending: false,
    limit: defaultLimit,
    offset: 0,
  },
};

/** Bounds each list of a query. */
const maxValues = 10_000;

type Fields = Record<string, unknown>;

const normalizers: { [K in QueryKind]: (fields: Fields) => Omit<QueryOf<K>, 'refId' | 'kind'> } = {
  promql: normalizePromql,
  clusters: normalizeClusters,
  inspections: normalizeInspections,
  slo: normalizeSlo,
};

/**
 * Fills in a query's defaults and checks its bounds, as the backend does. Fields of Grafana's own (`datasource`,
 * `hide`, …) pass unchanged.
 */
export function normalizeQuery(json: unknown): FleetQuery | QueryProblem {
  try {
    const fields = asFields(json, 'query');
    const kind = oneOf(fields, 'kind', queryKinds);
    return { ...grafanaFields(fields), kind, ...normalizers[kind](fields) } as FleetQuery;
  } catch (error) {
    if (error instanceof Refusal) {
      return { field: error.field, message: error.message };
    }
    throw error;
  }
}

export function isProblem(result: FleetQuery | QueryProblem): result is QueryProblem {
  return 'field' in result;
}

class Refusal extends Error {
  constructor(
    readonly field: string,
    message: string
  ) {
    super(message);
  }
}

function grafanaFields(fields: Fields): { refId: string } & Fields {
  const { refId, datasource, hide, key } = fields;
  const present = Object.entries({ datasource, hide, key }).filter(([, value]) => value !== undefined);
  return { refId: typeof refId === 'string' ? refId : '', ...Object.fromEntries(present) };
}

function normalizePromql(fields: Fields): Omit<PromqlQuery, 'refId' | 'kind'> {
  return {
    expr: text(fields, 'expr', defaults.promql.expr),
    mode: oneOf(fields, 'mode', ['range', 'instant'] as const, defaults.promql.mode),
    legend: text(fields, 'legend', defaults.promql.legend),
    minStep: duration(fields, 'minStep', defaults.promql.minStep),
  };
}

function normalizeClusters(fields: Fields): Omit<ClustersQuery, 'refId' | 'kind'> {
  return {
    scope: scope(fields),
    distinct: oneOf(fields, 'distinct', ['', ...dimensions] as const, defaults.clusters.distinct),
    sort: oneOf(fields, 'sort', clusterSorts, defaults.clusters.sort),
    descending: flag(fields, 'descending', defaults.clusters.descending),
    ...page(fields),
  };
}

function normalizeInspections(fields: Fields): Omit<InspectionsQuery, 'refId' | 'kind'> {
  return {
    scope: scope(fields),
    checks: texts(fields.checks, 'checks'),
    outcomes: texts(fields.outcomes, 'outcomes').map((outcome) => oneOf({ outcomes: outcome }, 'outcomes', outcomes)),
    ...page(fields),
  };
}

function normalizeSlo(fields: Fields): Omit<SloQuery, 'refId' | 'kind'> {
  return {
    scope: scope(fields),
    level: oneOf(fields, 'level', sloLevels, defaults.slo.level),
    by: oneOf(fields, 'by', sloParts, defaults.slo.by),
    objectives: texts(fields.objectives, 'objectives'),
    window: oneOf(fields, 'window', sloWindows, defaults.slo.window),
    distinct: oneOf(fields, 'distinct', ['', ...sloParts] as const, defaults.slo.distinct),
    sort: oneOf(fields, 'sort', sloSorts, defaults.slo.sort),
    descending: flag(fields, 'descending', defaults.slo.descending),
    ...page(fields),
  };
}

function page(fields: Fields): { limit: number; offset: number } {
  return {
    limit: integer(fields, 'limit', defaultLimit, 1, maxLimit),
    offset: integer(fields, 'offset', 0, 0, Number.MAX_SAFE_INTEGER),
  };
}

/** A dimension without values says the same as an absent one, so it goes. */
function scope(fields: Fields): Scope {
  const given = asFields(fields.scope ?? {}, 'scope');
  const unknown = Object.keys(given).find((name) => !(dimensions as readonly string[]).includes(name));
  if (unknown !== undefined) {
    throw new Refusal(`scope.${unknown}`, `scope has no dimension ${unknown}: use ${dimensions.join(', ')}`);
  }
  const lists = dimensions.map((dimension) => [dimension, texts(given[dimension], `scope.${dimension}`)] as const);
  return Object.fromEntries(lists.filter(([, values]) => values.length > 0));
}

function asFields(value: unknown, field: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Refusal(field, `${field} must be an object`);
  }
  return value as Fields;
}

function text(fields: Fields, field: string, fallback: string): string {
  const value = fields[field] ?? fallback;
  if (typeof value !== 'string') {
    throw new Refusal(field, `${field} must be a text`);
  }
  return value;
}

function texts(value: unknown, field: string): string[] {
  const list = value ?? [];
  if (!Array.isArray(list) || list.some((entry) => typeof entry !== 'string')) {
    throw new Refusal(field, `${field} must be a list of texts`);
  }
  if (list.length > maxValues) {
    throw new Refusal(field, `${field} must have at most ${maxValues} values`);
  }
  return list;
}

function flag(fields: Fields, field: string, fallback: boolean): boolean {
  const value = fields[field] ?? fallback;
  if (typeof value !== 'boolean') {
    throw new Refusal(field, `${field} must be true or false`);
  }
  return value;
}

function integer(fields: Fields, field: string, fallback: number, min: number, max: number): number {
  const value = fields[field] ?? fallback;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw new Refusal(field, `${field} must be a whole number from ${min} to ${max}`);
  }
  return value;
}

function oneOf<T extends string>(fields: Fields, field: string, allowed: readonly T[], fallback?: T): T {
  const value = fields[field] ?? fallback;
  if (!(allowed as readonly unknown[]).includes(value)) {
    throw new Refusal(field, `${field} must be one of ${allowed.filter((name) => name !== '').join(', ')}`);
  }
  return value as T;
}

const prometheusDuration = /^([0-9]+(ms|[smhdwy]))+$/;

/** Variables such as `$__interval` are filled in before the query leaves the browser, so they pass here. */
function duration(fields: Fields, field: string, fallback: string): string {
  const value = text(fields, field, fallback);
  if (value !== '' && !value.includes('$') && !prometheusDuration.test(value)) {
    throw new Refusal(field, `${field} must be a duration such as 15s or 1m`);
  }
  return value;
}
