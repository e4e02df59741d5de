import { duration, oneOf, text } from '../../fields';
import type { Kind } from '../kind';
import { interpolatePromql } from './interpolate';
import { PromqlEditor } from './PromqlEditor';
import { promqlDefaults as defaults, promqlModes, type PromqlQuery } from './query';

export const promql: Kind<PromqlQuery> = {
  label: 'PromQL',
  description: 'An expression over the metrics of every region, answered by Thanos query',
  defaults,
  normalize: (fields) => ({
    expr: text(fields, 'expr', defaults.expr),
    mode: oneOf(fields, 'mode', promqlModes, defaults.mode),
    legend: text(fields, 'legend', defaults.legend),
    minStep: duration(fields, 'minStep', defaults.minStep),
  }),
  interpolate: interpolatePromql,
  isBlank: ({ expr }) => expr === undefined || expr === null || (typeof expr === 'string' && !expr.trim()),
  Editor: PromqlEditor,
};
