import type { Permission } from './requests';
import type { InspectionRow } from './rows';
import { isPending, type Run } from './runs';

/** Why a row cannot be run now; empty when it can. What nobody can change comes first. */
export function blockedReason(
  { datasourceUid, blocked }: InspectionRow,
  permission: Permission | undefined,
  run: Run | undefined
): string {
  if (datasourceUid === undefined) {
    return 'Only rows that come straight from an etcd Fleet datasource can be run.';
  }
  if (blocked !== '') {
    return blocked;
  }
  if (!permission) {
    return 'Asking whether you may run inspections …';
  }
  if (!permission.allowed) {
    return permission.reason;
  }
  return isPending(run) ? 'This inspection is under way.' : '';
}
