import { blockedReason } from './blockedReason';
import type { Run } from './runs';
import { testRow } from './testRows';

const allowed = { allowed: true, reason: '' };
const refused = { allowed: false, reason: 'Running inspections needs the role Editor.' };
const foreign = testRow({ blocked: 'kstone runs this inspection by itself.' });
const pending: Run = { phase: 'requested', inspection: testRow() };
const failed: Run = { phase: 'failed', inspection: testRow(), message: 'no such cluster' };

it.each([
  ['runs', testRow(), allowed, undefined, ''],
  ['runs again after a failure', testRow(), allowed, failed, ''],
  ['waits for the permission', testRow(), undefined, undefined, 'Asking whether you may run inspections …'],
  ['says why the user may not', testRow(), refused, undefined, refused.reason],
  ['is not run twice at once', testRow(), allowed, pending, 'This inspection is under way.'],
  ['says that no run can be requested', foreign, allowed, undefined, foreign.blocked],
  ['says that to those who may not run either', foreign, refused, undefined, foreign.blocked],
  [
    'says that its datasource is unknown',
    testRow({ datasourceUid: undefined }),
    undefined,
    undefined,
    'Only rows that come straight from an etcd Fleet datasource can be run.',
  ],
])('a row %s', (_, row, permission, run, reason) => expect(blockedReason(row, permission, run)).toBe(reason));
