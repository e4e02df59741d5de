// Incidents from Kubernetes Events: what `kubectl get events -o json` writes, of core/v1 and of events.k8s.io/v1.
import { finished, secondsOf, type Incident, type Reading } from './incident.ts';

interface Reference {
  apiVersion?: string;
  kind?: string;
  name?: string;
  namespace?: string;
}

interface KubernetesEvent {
  type?: string;
  reason?: string;
  message?: string;
  note?: string;
  metadata?: { name?: string; namespace?: string } | null;
  involvedObject?: Reference | null;
  regarding?: Reference | null;
  related?: Reference | null;
  firstTimestamp?: string | null;
  lastTimestamp?: string | null;
  eventTime?: string | null;
  deprecatedFirstTimestamp?: string | null;
  deprecatedLastTimestamp?: string | null;
  series?: { lastObservedTime?: string | null } | null;
}

/** The Events of a list or a single Event; undefined when the value is neither. */
export function eventsIn(value: unknown): unknown[] | undefined {
  const { kind, items } = (value ?? {}) as { kind?: string; items?: unknown };
  if (kind === 'Event') {
    return [value];
  }
  if (!Array.isArray(items)) {
    return undefined;
  }
  // The items of an EventList do not repeat their kind.
  return kind === 'EventList' || items.every(isEvent) ? items : undefined;
}

const isEvent = (item: unknown) => (item as { kind?: string } | null)?.kind === 'Event';

/** API groups whose EtcdClusters are those that the series are about. */
const clusterGroups = ['etcd.cloud.tencent.com/', 'kstone.tkestack.io/'];

/** cruiser's reason for an inspection that could not run, which says nothing about the cluster. */
const couldNotRun = 'InspectionError';

/** Warnings about one EtcdCluster. An Event about anything else is left out, as its scope is not known. */
export function ofKubernetesEvent(item: unknown, where: string, { now, leaveOut }: Reading): Incident[] {
  const event = (item ?? {}) as KubernetesEvent;
  const what = `The Event ${event.metadata?.name ?? event.reason ?? 'without a name'}`;
  if (event.type !== 'Warning') {
    leaveOut(
      where,
      `${what} is left out: its type is ${event.type ?? 'not given'}, and only a Warning is an incident.`
    );
    return [];
  }
  if (event.reason === couldNotRun) {
    leaveOut(where, `${what} is left out: an inspection that could not run is no incident of the cluster.`);
    return [];
  }
  const about = event.involvedObject ?? event.regarding ?? {};
  const cluster = [about, event.related ?? {}].find(isCluster);
  if (!cluster?.name) {
    leaveOut(
      where,
      `${what} is left out: it is about ${[about.kind, about.name].filter(Boolean).join(' ') || 'no object'} and names no EtcdCluster.`
    );
    return [];
  }
  const start = event.firstTimestamp || event.deprecatedFirstTimestamp || event.eventTime;
  const end = event.lastTimestamp || event.deprecatedLastTimestamp || event.series?.lastObservedTime || start;
  const region = cluster.namespace ?? about.namespace ?? event.metadata?.namespace;
  const from = secondsOf(start ?? '', `${where}: firstTimestamp`);
  return [
    finished(
      {
        start: from,
        end: Math.max(from, Math.min(secondsOf(end ?? '', `${where}: lastTimestamp`), now)),
        scope: { ...(region && { region: [region] }), cluster: [cluster.name] },
        severity: 'ticket',
        note: [event.reason, event.message ?? event.note].filter(Boolean).join(': '),
      },
      where
    ),
  ];
}

const isCluster = ({ kind, apiVersion }: Reference) =>
  kind === 'EtcdCluster' && (!apiVersion || clusterGroups.some((group) => apiVersion.startsWith(group)));
