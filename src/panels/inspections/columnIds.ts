/** The columns that the panel's options offer; selection, history and the button have their own. */
export const columnIds = [
  'region',
  'cluster',
  'product',
  'scene',
  'spec',
  'check',
  'outcome',
  'lastRun',
  'duration',
  'message',
  'state',
  'nextRun',
] as const;

export type ColumnId = (typeof columnIds)[number];

export const columnTitles: Record<ColumnId, string> = {
  region: 'Region',
  cluster: 'Cluster',
  product: 'Product',
  scene: 'Scene',
  spec: 'Spec',
  check: 'Check',
  outcome: 'Outcome',
  lastRun: 'Last run',
  duration: 'Duration',
  message: 'Message',
  state: 'State',
  nextRun: 'Next run',
};
