import type { QueryBase } from '../kind';

export const promqlModes = ['range', 'instant'] as const;

/** A PromQL expression, evaluated by Thanos query. */
export interface PromqlQuery extends QueryBase {
  kind: 'promql';
  expr: string;
  /** `range` gives one frame per series, `instant` a table with one row per series. */
  mode: (typeof promqlModes)[number];
  /** Series name with `{{label}}` placeholders; empty means all labels. */
  legend: string;
  /** The smallest step between two points as a Prometheus duration (`15s`); empty means what the panel asks for. */
  minStep: string;
}

export const promqlDefaults: Omit<PromqlQuery, 'refId'> = {
  kind: 'promql',
  expr: '',
  mode: 'range',
  legend: '',
  minStep: '',
};
