// Incidents from Alertmanager: what `amtool alert query -o json` and GET /api/v2/alerts write.
import { clusterLabels } from '../../generate/series.ts';
import { finished, scopeOfLabels, secondsOf, type Incident, type Reading } from './incident.ts';

interface Alert {
  startsAt: string;
  /** The zero time of Go while the alert has no end. */
  endsAt?: string | null;
  labels?: Record<string, string> | null;
  annotations?: Record<string, string> | null;
}

/** Whether all entries of a list are alerts. */
export const areAlerts = (list: unknown[]) =>
  list.length > 0 && list.every((item) => typeof item === 'object' && item !== null && 'startsAt' in item);

/** Alerts of monitoring stacks that always fire, or only serve to inhibit others. */
const helpers = ['watchdog', 'deadmansswitch', 'infoinhibitor'];

/** Labels of clusters become the scope. An alert that still fires lasts until now. */
export function ofAlert(item: unknown, where: string, { now, leaveOut }: Reading): Incident[] {
  const { startsAt, endsAt, labels: given, annotations } = item as Alert;
  const labels = given ?? {};
  const name = labels.alertname ?? 'An alert';
  if (labels.severity === 'none' || helpers.includes(name.toLowerCase().replaceAll(/[^a-z]/g, ''))) {
    leaveOut(where, `${name} is left out: it checks the alerting itself and reports no incident.`);
    return [];
  }
  const scope = scopeOfLabels(labels);
  if (Object.keys(scope).length === 0) {
    leaveOut(
      where,
      `${name} is left out: it has none of the labels ${clusterLabels.join(', ')}, so it is not about etcd clusters. If it was an incident of all clusters, write it into a YAML list.`
    );
    return [];
  }
  const start = secondsOf(startsAt, `${where}: startsAt`);
  const end = endsAt && !endsAt.startsWith('0001-01-01') ? secondsOf(endsAt, `${where}: endsAt`) : now;
  return [
    finished(
      {
        start,
        end: Math.max(start, Math.min(end, now)),
        scope,
        severity: labels.urgency ?? labels.severity ?? 'page',
        note: [labels.alertname, annotations?.summary].filter(Boolean).join(': '),
      },
      where
    ),
  ];
}
