// How well alerts detected incidents. No I/O; docs/slo.md, Calibration, explains every figure.
import { median } from '../median.ts';
import { promisesTo, type Deployment, type Model } from '../model/model.ts';
import type { Urgency } from '../model/schema.ts';
import { clusterId, stepAt, type ClusterLabels, type Measured, type Steps } from './history.ts';
import { inScope, type Incident } from './incidents.ts';
import { reaches, type Firing, type Reach } from './simulate.ts';

export interface Period {
  /** Seconds. */
  from: number;
  to: number;
}

export interface Tolerance {
  /** Seconds before an incident's start in which an alert already counts as detecting it: people notice late. */
  lead: number;
  /** Seconds after its end in which an alert still counts as detecting it. */
  grace: number;
}

export const defaultTolerance: Tolerance = { lead: 300, grace: 900 };

export const month = 30 * 86400;

/** One notification: the alerts of a cluster that fire at the same time. */
export interface Notification {
  labels: ClusterLabels;
  start: number;
  end: number;
  firings: Firing[];
}

/** Figures of some alerts and some incidents. A ratio without a denominator is undefined. */
export interface Figures {
  /** Notifications, and those of them within an incident. */
  alerts: number;
  rightAlerts: number;
  precision?: number;
  incidents: number;
  detected: number;
  recall?: number;
  /** Seconds, of incidents that no alert was firing for when they began. */
  timeToDetect: { median?: number; max?: number };
  falsePerMonth: number;
}

export interface IncidentVerdict {
  incident: Incident;
  detected: boolean;
  /** Seconds from its start to the first alert; undefined when one was firing already, or none did. */
  timeToDetect?: number;
  /** The alerts that detected it. */
  firings: Firing[];
  /** When none did: how near each SLI came, the nearest first. */
  nearest: Reach[];
  /** Share of the error budget that it cost the cluster that it cost most, by objective. */
  spent: Record<string, number>;
}

export interface Verdict {
  period: Period;
  pages: Figures;
  tickets: Figures;
  all: Figures;
  /** Pages and tickets together, by objective. */
  objectives: Record<string, Figures>;
  incidents: IncidentVerdict[];
  /** Incidents that nothing can be said about: outside the history, or of clusters that it does not have. */
  unjudged: Array<{ incident: Incident; reason: string }>;
  /** Notifications that belong to no incident. */
  falseAlerts: Notification[];
  /** Share of the error budget spent in the period, of the cluster that spent most, by objective. */
  spent: Record<string, number>;
}

export interface Replay {
  model: Model;
  deployment: Deployment;
  clusters: Measured[];
  steps: Steps;
  firings: Firing[];
  incidents: Incident[];
  period: Period;
  tolerance: Tolerance;
}

export function judge(replay: Replay): Verdict {
  const { model, incidents, clusters, period } = replay;
  const within = (firing: Firing) => firing.end >= period.from && firing.start <= period.to;
  const firings = replay.firings.filter(within);
  const reasons = incidents.map((incident) => reasonAgainst(incident, clusters, period));
  const judged = incidents.filter((_, index) => reasons[index] === undefined);
  const figures = (alerts: Firing[], of: Incident[], telling = alerts) =>
    figuresOf(alerts, of, judged, replay, telling);
  const urgent = (urgency: Urgency) => firings.filter((firing) => firing.urgency === urgency);
  const withUrgency = (urgency: Urgency) => judged.filter((incident) => incident.urgency === urgency);
  return {
    period,
    pages: figures(urgent('page'), withUrgency('page')),
    // A page also detects what a ticket would.
    tickets: figures(urgent('ticket'), withUrgency('ticket'), firings),
    all: figures(firings, judged),
    objectives: Object.fromEntries(
      model.objectives.map(({ name }) => [
        name,
        figures(
          firings.filter(({ objective }) => objective === name),
          judged
        ),
      ])
    ),
    incidents: judged.map((incident) => verdictOn(incident, firings, replay)),
    unjudged: incidents.flatMap((incident, index) =>
      reasons[index] === undefined ? [] : [{ incident, reason: reasons[index] }]
    ),
    falseAlerts: notifications(firings).filter((alert) => !judged.some((of) => tellsOf(alert, of, replay.tolerance))),
    spent: spentWithin(period, clusters, replay),
  };
}

function reasonAgainst(incident: Incident, clusters: Measured[], { from, to }: Period): string | undefined {
  if (incident.end < from || incident.start > to) {
    return 'outside the history';
  }
  return clusters.some(({ labels }) => inScope(incident.scope, labels))
    ? undefined
    : 'no cluster of the history is in its scope';
}

/** Merges the firings of each cluster that overlap. */
export function notifications(firings: Firing[]): Notification[] {
  const open = new Map<string, Notification>();
  const merged: Notification[] = [];
  for (const firing of firings.toSorted((a, b) => a.start - b.start)) {
    const id = clusterId(firing.labels);
    const current = open.get(id);
    if (current && firing.start <= current.end) {
      current.end = Math.max(current.end, firing.end);
      current.firings.push(firing);
    } else {
      const { labels, start, end } = firing;
      const started = { labels, start, end, firings: [firing] };
      open.set(id, started);
      merged.push(started);
    }
  }
  return merged;
}

/** Whether an alert fired in the time and scope of an incident. */
function tellsOf(
  { labels, start, end }: Notification | Firing,
  incident: Incident,
  { lead, grace }: Tolerance
): boolean {
  return inScope(incident.scope, labels) && end >= incident.start - lead && start <= incident.end + grace;
}

function figuresOf(
  firings: Firing[],
  incidents: Incident[],
  /** Also those of the other urgency: an alert about them is not false. */
  allIncidents: Incident[],
  { tolerance, period }: Replay,
  telling: Firing[]
): Figures {
  const alerts = notifications(firings);
  const rightAlerts = alerts.filter((alert) =>
    allIncidents.some((incident) => tellsOf(alert, incident, tolerance))
  ).length;
  const detections = incidents.map((incident) => detection(incident, telling, tolerance));
  const detected = detections.filter((found) => found.firings.length > 0).length;
  const times = detections.flatMap(({ timeToDetect }) => timeToDetect ?? []).sort((a, b) => a - b);
  return {
    alerts: alerts.length,
    rightAlerts,
    precision: ratio(rightAlerts, alerts.length),
    incidents: incidents.length,
    detected,
    recall: ratio(detected, incidents.length),
    timeToDetect: { median: times.length > 0 ? median(times) : undefined, max: times.at(-1) },
    falsePerMonth: ((alerts.length - rightAlerts) * month) / (period.to - period.from),
  };
}

const ratio = (part: number, whole: number) => (whole > 0 ? part / whole : undefined);

/** The alerts that detect an incident, and how long the first took unless one fired already. */
function detection(incident: Incident, firings: Firing[], tolerance: Tolerance) {
  const telling = firings.filter((firing) => tellsOf(firing, incident, tolerance)).sort((a, b) => a.start - b.start);
  const isOld = telling.length > 0 && telling[0].start < incident.start - tolerance.lead;
  const timeToDetect = telling.length > 0 && !isOld ? Math.max(0, telling[0].start - incident.start) : undefined;
  return { firings: telling, timeToDetect };
}

function verdictOn(incident: Incident, firings: Firing[], replay: Replay): IncidentVerdict {
  const { clusters, steps, tolerance } = replay;
  const concerned = clusters.filter(({ labels }) => inScope(incident.scope, labels));
  const found = detection(incident, firings, tolerance);
  const nearest = found.firings.length
    ? []
    : concerned
        .flatMap((cluster) =>
          reaches(cluster, incident.start - tolerance.lead, incident.end + tolerance.grace, steps, replay)
        )
        .sort((a, b) => b.share - a.share);
  return {
    incident,
    detected: found.firings.length > 0,
    timeToDetect: found.timeToDetect,
    firings: found.firings,
    nearest: nearest.slice(0, 3),
    spent: spentWithin({ from: incident.start, to: incident.end }, concerned, replay),
  };
}

/**
 * Share of the error budget of the model's window, of the cluster and SLI that spent most, by objective. A history that
 * is shorter than the window is scaled up to it by its mean traffic.
 */
function spentWithin(time: Period, clusters: Measured[], { model, steps, period }: Replay): Record<string, number> {
  const observed = [stepAt(steps, period.from) + 1, stepAt(steps, period.to) + 1];
  const asked = [stepAt(steps, time.from) + 1, stepAt(steps, time.to) + 1];
  const scale = model.window / (period.to - period.from);
  return Object.fromEntries(
    model.objectives.map(({ name, slis }) => {
      const shares = clusters.flatMap(({ labels, events }) =>
        slis.flatMap((sli) => {
          const target = promisesTo(labels, model).targets[name];
          const all = events[sli] ? sum(events[sli].all, observed) * scale : 0;
          return all > 0 && target !== undefined ? [sum(events[sli].bad, asked) / (all * (1 - target))] : [];
        })
      );
      return [name, Math.max(0, ...shares)];
    })
  );
}

function sum(values: Float64Array, [from, to]: number[]): number {
  let total = 0;
  for (let at = Math.max(0, from); at < to; at++) {
    total += values[at] || 0;
  }
  return total;
}

/** Between which ratios the true one lies with 95 % confidence (Wilson's interval). */
export function confidence(part: number, whole: number): [low: number, high: number] {
  const z = 1.96;
  const share = part / whole;
  const center = share + (z * z) / (2 * whole);
  const spread = z * Math.sqrt((share * (1 - share)) / whole + (z * z) / (4 * whole * whole));
  const scale = 1 + (z * z) / whole;
  return [Math.max(0, (center - spread) / scale), Math.min(1, (center + spread) / scale)];
}

/** Fewer incidents than this only indicate a direction. */
export const fewIncidents = 10;

/** The harmonic mean of precision and recall: 0 when either is nothing. */
export function f1({ precision = 0, recall = 0 }: Pick<Figures, 'precision' | 'recall'>): number {
  return precision + recall > 0 ? (2 * precision * recall) / (precision + recall) : 0;
}
