import { asFields, type Fields, oneOf, Refusal } from './fields';
import type { Variables } from './interpolation';
import { type FleetQuery, kindNamed, queryKinds } from './kinds';
import { migrated } from './version';

/** Why a query is refused: the field to blame, and a sentence for the user. */
export type QueryProblem = Pick<Refusal, 'field' | 'message'>;

/**
 * Brings a query to the current version, fills in its defaults and checks its bounds, as the backend does. Fields of Grafana's own (`datasource`,
 * `hide`, …) pass unchanged.
 */
export function normalizeQuery(json: unknown): FleetQuery | QueryProblem {
  try {
    const fields = migrated(asFields(json, 'query'));
    const kind = oneOf(fields, 'kind', queryKinds);
    return { ...grafanaFields(fields), kind, ...kindNamed(kind).normalize(fields) } as FleetQuery;
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

/** Fills in the dashboard variables of a query. */
export function interpolateQuery(query: FleetQuery, variables: Variables): FleetQuery {
  return kindNamed(query.kind).interpolate(query, variables);
}

function grafanaFields(fields: Fields): { refId: string } & Fields {
  const { refId, datasource, hide, key, version } = fields;
  const present = Object.entries({ datasource, hide, key, version }).filter(([, value]) => value !== undefined);
  return { refId: typeof refId === 'string' ? refId : '', ...Object.fromEntries(present) };
}
