import { firstPage, type Page } from '../../page';
import type { Scope } from '../../scope';
import type { QueryBase } from '../kind';

export const findingsChoices = ['all', 'first', 'evidence'] as const;

/**
 * What is wrong with the clusters of a scope, the worst first: one row per finding. A scope that names clusters gets those;
 * another one gets the clusters that are hurt.
 */
export interface DiagnosisQuery extends QueryBase, Page {
  kind: 'diagnosis';
  scope: Scope;
  /** `first`: only the worst finding of each cluster. `evidence`: a row for each fact that findings follow from. */
  findings: (typeof findingsChoices)[number];
}

export const diagnosisDefaults: Omit<DiagnosisQuery, 'refId'> = {
  kind: 'diagnosis',
  scope: {},
  findings: 'all',
  ...firstPage,
};
