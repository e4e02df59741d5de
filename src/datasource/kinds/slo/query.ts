import { firstPage, type Page } from '../../page';
import type { Scope } from '../../scope';
import { budgetWindow, type sloWindows } from '../../sloWindows';
import type { QueryBase } from '../kind';

/** What a row of service levels stands for. */
export const sloLevels = ['fleet', 'region', 'product', 'scene', 'spec', 'cluster'] as const;

/** `worst`: what burns so fast that it pages comes first, the fastest first, then what has least of its budget left. */
export const sloSorts = ['worst', 'budgetLeft', 'burnRate', 'ratio', 'target', 'bad', 'all'] as const;

export const sloParts = ['objective', 'sli'] as const;

/** How well groups of clusters keep their objectives, from recorded series, worst first. */
export interface SloQuery extends QueryBase, Page {
  kind: 'slo';
  scope: Scope;
  level: (typeof sloLevels)[number];
  /** A row for each objective, with its worst SLI, or for each SLI. */
  by: (typeof sloParts)[number];
  /** Names such as `etcd-availability`; empty means all. */
  objectives: string[];
  window: (typeof sloWindows)[number];
  /** Return only the names of the objectives or SLIs (for dashboard variables); empty means whole rows. */
  distinct: (typeof sloParts)[number] | '';
  sort: (typeof sloSorts)[number];
  descending: boolean;
}

export const sloDefaults: Omit<SloQuery, 'refId'> = {
  kind: 'slo',
  scope: {},
  level: 'cluster',
  by: 'objective',
  objectives: [],
  window: budgetWindow,
  distinct: '',
  sort: 'worst',
  descending: false,
  ...firstPage,
};
