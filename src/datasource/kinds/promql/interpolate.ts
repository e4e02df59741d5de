import { everything, type Variables } from '../../interpolation';
import type { PromqlQuery } from './query';

export function interpolatePromql(query: PromqlQuery, { templates, scopedVars }: Variables): PromqlQuery {
  // The backend fills these in: it computes the step, which depends on minStep.
  const { __interval, __interval_ms, ...variables } = scopedVars;
  return {
    ...query,
    expr: templates.replace(query.expr, variables, promqlValue),
    legend: templates.replace(query.legend, variables),
    minStep: templates.replace(query.minStep, variables),
  };
}

/**
 * A variable's value inside a PromQL text: several values become an alternation, and characters that would end the
 * text or act as a regular expression are escaped.
 */
function promqlValue(value: string | string[], variable: { multi?: boolean; includeAll?: boolean } = {}): string {
  const values = [value].flat().map(String);
  if (!variable.multi && !variable.includeAll) {
    return values.map(escapeText).join('|');
  }
  const escaped = values.map((one) => (everything.has(one) ? '.*' : escapeText(escapeRegex(one))));
  return escaped.length === 1 ? escaped[0] : `(${escaped.join('|')})`;
}

/**
 * Quotes are escaped by their code because PromQL accepts `\'` only between single quotes, `\"` between double. Between
 * backticks nothing is an escape: there a value with a quote matches nothing, but it does not end the text.
 */
function escapeText(value: string): string {
  return value
    .replace(/\\/g, '\\\\')
    .replace(/"/g, '\\x22')
    .replace(/'/g, '\\x27')
    .replace(/`/g, '\\x60')
    .replace(/\n/g, '\\n');
}

function escapeRegex(value: string): string {
  return value.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
