import { Badge, type BadgeColor, type IconName } from '@grafana/ui';
import React from 'react';

import type { Outcome } from '../../datasource/kinds/inspections/query';

const looks: Record<Outcome, { color: BadgeColor; icon: IconName }> = {
  NotSupported: { color: 'darkgrey', icon: 'ban' },
  Passed: { color: 'green', icon: 'check' },
  Warning: { color: 'orange', icon: 'exclamation-triangle' },
  Failed: { color: 'red', icon: 'times' },
  Error: { color: 'purple', icon: 'question-circle' },
};

/** How a run ended, by colour, icon and word. Runs of other platforms have no outcome. */
export function OutcomeBadge({ outcome, hasRun }: { outcome: Outcome | ''; hasRun: boolean }) {
  return outcome === '' ? (
    <Badge color="darkgrey" icon="minus" text={hasRun ? 'No outcome' : 'No run yet'} />
  ) : (
    <Badge {...looks[outcome]} text={outcome === 'NotSupported' ? 'Not supported' : outcome} />
  );
}
