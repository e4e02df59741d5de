import { useEffect, useState } from 'react';
import { Subscription } from 'rxjs';

import { askPermission, type Permission } from './requests';

/**
 * Whether the user may run inspections, by datasource; undefined while loading. A failed request is repeated
 * when `version` changes.
 */
export function usePermissions(datasourceUids: string[], version: unknown): Record<string, Permission | undefined> {
  const [permissions, setPermissions] = useState<Record<string, Permission & { answered: boolean }>>({});
  const open = datasourceUids.filter((uid) => !permissions[uid]?.answered).join('\n');

  useEffect(() => {
    const subscriptions = new Subscription();
    const learn = (uid: string, permission: Permission, answered: boolean) =>
      setPermissions((known) => ({ ...known, [uid]: { ...permission, answered } }));
    open
      .split('\n')
      .filter(Boolean)
      .forEach((uid) =>
        subscriptions.add(
          askPermission(uid).subscribe({
            next: (permission) => learn(uid, permission, true),
            error: (error: Error) =>
              learn(
                uid,
                { allowed: false, reason: `Whether you may run inspections is not known: ${error.message}` },
                false
              ),
          })
        )
      );
    return () => subscriptions.unsubscribe();
  }, [open, version]);

  return permissions;
}
