import type { InspectionRow } from './rows';

/** A row for tests: an idle inspection that passed, with what a test wants otherwise. */
export function testRow(change: Partial<InspectionRow> = {}): InspectionRow {
  const row = {
    datasourceUid: 'fleet',
    region: 'gz',
    cluster: 'gz-etcd-default',
    product: 'tke',
    scene: 'business',
    spec: 'default',
    check: 'etcd-node-key-diff',
    outcome: 'Passed',
    state: 'idle',
    lastRun: 1_000,
    nextRun: undefined,
    duration: 0.4,
    message: 'nodeKeyDiff is 0',
    request: '',
    answeredRequest: '',
    requestedBy: '',
    blocked: '',
    history: [],
    links: () => [],
    ...change,
  } satisfies Omit<InspectionRow, 'key'>;
  return { key: [row.datasourceUid, row.region, row.cluster, row.check].join('/'), ...row };
}
