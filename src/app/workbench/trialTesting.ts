import type { Incident } from '../../../slo/calibrate/incidents.ts';
import type { RangeSource } from '../../../slo/calibrate/range.ts';

const start = 1_780_000_020; // a whole minute
const minutes = 180;
const isSlow = (time: number) => time >= start + 60 * 60 && time < start + 90 * 60;

/** A cluster of the class default in which, for half an hour, a third of the writes take 100 to 250 ms. */
export function calibrated() {
  const labels = { region: 'gz', product: 'p', scene: 's', spec: 'default', cluster: 'a' };
  const source: RangeSource = {
    range: (expr, [from, to], step) => {
      const value = valueOf(expr);
      if (!value) {
        return Promise.resolve([]);
      }
      const samples: Array<[number, number]> = [];
      for (let time = from; time <= to; time += step) {
        const at = value(time);
        if (at !== undefined) {
          samples.push([time, at]);
        }
      }
      const more: Record<string, string> = expr.startsWith('ALERTS')
        ? { alertname: 'EtcdErrorBudgetBurnFast', objective: 'write-availability' }
        : {};
      return Promise.resolve([{ labels: { ...labels, ...more }, samples }]);
    },
  };
  const incident: Incident = {
    start: start + 60 * 60,
    end: start + 90 * 60,
    scope: { cluster: ['a'] },
    severity: 'page',
    note: 'slow disk',
    urgency: 'page',
    where: 'incidents:1',
  };
  return { source, incidents: [incident], time: { from: start, to: start + minutes * 60 } };
}

/** Only raw events of put-latency, and an alert that really fired. */
function valueOf(expr: string): ((time: number) => number | undefined) | undefined {
  if (expr.startsWith('ALERTS')) {
    return (time) => (isSlow(time) ? 1 : undefined);
  }
  if (!expr.includes('grpc_method="Put"') || expr.includes('handled_total')) {
    return undefined;
  }
  const isBad = expr.startsWith('clamp_min');
  return (time) => (isBad ? (isSlow(time) && /le=~"0\.(05|1)"/.test(expr) ? 40 : 0) : 120);
}
