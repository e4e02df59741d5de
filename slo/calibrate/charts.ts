// Which charts a calibration has: burn rates with what happened, and the trade-off of a candidate value. No I/O.
import { formatDuration } from '../model/duration.ts';
import type { Definitions } from '../model/parse.ts';
import { clusterId, timeAt, type Measured, type Steps } from './history.ts';
import { inScope, type Incident } from './incidents.ts';
import type { Band, Chart, Line } from './plot.ts';
import type { Curve } from './propose.ts';
import { worst, burnRatesOf, type Firing } from './simulate.ts';

/** An objective's burn rate over the fastest windows, with the incidents and the alerts of a cluster. */
export function burnChart(
  cluster: Measured,
  objective: string,
  {
    steps,
    definitions,
    incidents,
    firings,
  }: { steps: Steps; definitions: Definitions; incidents: Incident[]; firings: Firing[] },
  { from, to }: { from: number; to: number }
): Chart {
  const [rate] = definitions.model.burnRates;
  const burning = burnRatesOf(cluster, objective, steps, definitions);
  const lines = [rate.long, rate.short].map((window, colour): Line => {
    const values = worst(burning.get(window)!, steps);
    const points = [...values].map((value, index): [number, number] => [timeAt(steps, index), value]);
    return { points: points.filter(([time]) => time >= from && time <= to), colour, label: formatDuration(window) };
  });
  const highest = Math.max(2 * rate.factor, ...lines.flatMap(({ points }) => points.map(([, value]) => value || 0)));
  const id = clusterId(cluster.labels);
  return {
    label: `Burn rate of ${objective} of ${cluster.labels.cluster}`,
    x: { title: 'time (UTC)', scale: 'time', from, to },
    y: { title: 'burn rate (times too fast)', scale: 'burn', from: 0, to: highest },
    bands: [
      ...incidentBands(incidents.filter(({ scope }) => inScope(scope, cluster.labels))),
      ...firings
        .filter((firing) => firing.objective === objective && clusterId(firing.labels) === id)
        .map((firing): Band => {
          return {
            from: firing.start,
            to: firing.end,
            kind: 'firing',
            label: `${firing.burnRate} fired: ${firing.slis.join(', ')}`,
          };
        }),
    ],
    lines,
    limits: [{ at: rate.factor, label: `${rate.name}: ${rate.factor}` }],
  };
}

export const incidentBands = (incidents: Incident[]): Band[] =>
  incidents.map(({ start, end, note, severity }) => ({
    from: start,
    to: end,
    kind: 'incident',
    label: note || severity,
  }));

/** Precision, recall and the median time to detect against the candidate values; what cannot be said is left out. */
export function tradeOffChart({ name, axis, points, recommended }: Curve): Chart {
  const slowest = Math.max(60, ...points.map(({ figures }) => figures.timeToDetect.median ?? 0));
  const line = (colour: number, label: string, of: (point: Curve['points'][number]) => number | undefined): Line => {
    return { points: points.map((point) => [point.at, of(point) ?? NaN]), colour, label, dots: true };
  };
  const [from, to] = [points[0].at, points.at(-1)!.at];
  return {
    label: `Trade-off of ${name}`,
    x: {
      title: axis === 'threshold' ? 'threshold (a bucket edge)' : 'burn rate that fires (times too fast)',
      scale: 'log',
      from: from * 0.9,
      to: to * 1.1,
      ticks: points
        .filter((_, index) => index === 0 || points[index].at > points[index - 1].at * 1.15)
        .map(({ at, value }) => ({ at, label: axis === 'threshold' ? value : String(Number(at.toPrecision(3))) })),
    },
    y: { title: 'share (%)', scale: 'linear', from: 0, to: 100 },
    bands:
      recommended === undefined
        ? []
        : [
            {
              from: points[recommended].at * 0.97,
              to: points[recommended].at * 1.03,
              kind: 'incident',
              label: 'recommended',
            },
          ],
    lines: [
      line(0, 'precision', ({ figures }) => (figures.precision === undefined ? undefined : figures.precision * 100)),
      line(1, 'recall', ({ figures }) => (figures.recall === undefined ? undefined : figures.recall * 100)),
      {
        ...line(2, `median time to detect, 100 = ${formatDuration(Math.round(slowest))}`, ({ figures }) =>
          figures.timeToDetect.median === undefined ? undefined : (figures.timeToDetect.median / slowest) * 100
        ),
        dashed: true,
      },
    ],
  };
}
