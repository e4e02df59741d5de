import { Badge, type BadgeColor } from '@grafana/ui';
import React from 'react';

/** What is not known is neither good nor bad. */
const colours: Record<string, BadgeColor> = {
  Failing: 'red',
  Degraded: 'orange',
  Unexplained: 'orange',
  AtRisk: 'orange',
  Quiet: 'green',
};

export const SeverityBadge = ({ severity }: { severity: string }) => (
  <Badge color={colours[severity] ?? 'darkgrey'} text={severity} />
);
