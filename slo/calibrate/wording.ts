// Figures as people read them. No I/O.
import { formatDuration } from '../model/duration.ts';
import { clusterLabels } from '../generate/series.ts';
import type { ClusterLabels } from './history.ts';
import {
  confidence,
  fewIncidents,
  type Figures,
  type IncidentVerdict,
  type Notification,
  type Verdict,
} from './score.ts';
import { describeScope } from './incidents.ts';
import type { Firing } from './simulate.ts';

export const nothing = '–';

export const percent = (ratio: number) => `${Number((ratio * 100).toFixed(ratio < 0.1 ? 1 : 0))} %`;

/** `67 % (2/3)`: the denominator always with it. */
export const share = (part: number, whole: number) =>
  whole === 0 ? nothing : `${percent(part / whole)} (${part}/${whole})`;

export const precision = ({ rightAlerts, alerts }: Figures) => share(rightAlerts, alerts);
export const recall = ({ detected, incidents }: Figures) => share(detected, incidents);

/** To the minute from ten minutes on. */
export const span = (seconds: number | undefined) =>
  seconds === undefined
    ? nothing
    : seconds === 0
      ? '0s'
      : formatSpan(Math.round(seconds >= 600 ? Math.round(seconds / 60) * 60 : seconds));

function formatSpan(seconds: number): string {
  const parts = [
    [86400, 'd'],
    [3600, 'h'],
    [60, 'm'],
    [1, 's'],
  ] as const;
  let left = seconds;
  const written = parts.flatMap(([size, unit]) => {
    const count = Math.floor(left / size);
    left -= count * size;
    return count ? [`${count}${unit}`] : [];
  });
  return written.slice(0, 2).join('') || formatDuration(seconds);
}

export const instant = (seconds: number) => `${new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ')}Z`;

/** The cluster's name alone where it is enough to find it. */
export const clusterName = (labels: ClusterLabels) =>
  labels.cluster || clusterLabels.map((label) => labels[label]).join('/');

export const figureHeadings = ['PRECISION', 'RECALL', 'DETECTED AFTER', 'AT MOST', 'FALSE A MONTH'];

export const figureCells = (figures: Figures): string[] => [
  precision(figures),
  recall(figures),
  span(figures.timeToDetect.median),
  span(figures.timeToDetect.max),
  String(Number(figures.falsePerMonth.toFixed(figures.falsePerMonth < 10 ? 1 : 0))),
];

/** Which alerts fired, and for which SLIs: `write-availability fast, medium (put-latency)`. */
export function alertsOf(firings: Firing[]): string {
  const objectives = [...new Set(firings.map(({ objective }) => objective))];
  return objectives
    .map((objective) => {
      const of = firings.filter((firing) => firing.objective === objective);
      const rates = [...new Set(of.map(({ burnRate }) => burnRate))].join(', ');
      return `${objective} ${rates} (${[...new Set(of.flatMap(({ slis }) => slis))].join(', ')})`;
    })
    .join('; ');
}

export const incidentHeadings = ['INCIDENT', 'BEGAN', 'LASTED', 'WHERE', 'DETECTED', 'BUDGET SPENT', 'BY'];

export function incidentCells(verdict: IncidentVerdict): string[] {
  const { incident, detected, timeToDetect, firings, nearest } = verdict;
  const [most] = Object.entries(verdict.spent).sort(([, a], [, b]) => b - a);
  return [
    incident.note || incident.severity,
    instant(incident.start),
    span(incident.end - incident.start),
    describeScope(incident.scope),
    detected ? (timeToDetect === undefined ? 'was firing already' : `after ${span(timeToDetect)}`) : 'MISSED',
    most ? `${percent(most[1])} of ${most[0]}` : nothing,
    detected
      ? alertsOf(firings)
      : nearest.length && nearest[0].share > 0
        ? `nearest: ${nearest.map(({ sli, burnRate, share: reach }) => `${sli} ${percent(reach)} of ${burnRate}`).join(', ')}`
        : 'no SLI saw anything',
  ];
}

export const falseAlertHeadings = ['FALSE ALERT OF', 'BEGAN', 'LASTED', 'BY'];

export const falseAlertCells = ({ labels, start, end, firings }: Notification): string[] => [
  clusterName(labels),
  instant(start),
  span(end - start),
  alertsOf(firings),
];

/** What limits the figures. */
export function caveats({ all, unjudged, period }: Verdict): string[] {
  const days = (period.to - period.from) / 86400;
  return [
    ...(all.incidents === 0
      ? ['There is no incident in this history: recall says nothing, and every alert counts as false.']
      : all.incidents < fewIncidents
        ? [
            `Only ${all.incidents} ${all.incidents === 1 ? 'incident' : 'incidents'}: the true recall lies between ${confidence(all.detected, all.incidents).map(percent).join(' and ')} (95 %).`,
          ]
        : []),
    ...(all.alerts === 0 ? ['No alert fired: precision says nothing.'] : []),
    ...(days < 30
      ? [
          `The history is ${span(period.to - period.from)} long: figures a month and budgets are scaled up to 30d from it.`,
        ]
      : []),
    ...unjudged.map(
      ({ incident, reason }) =>
        `Left out: ${incident.where}, ${incident.note || describeScope(incident.scope)}: ${reason}.`
    ),
  ];
}
