// Requests that nobody counts because the cluster does not serve: callers wait, give up, or do not send any. While the
// state that an SLI names in `failsWhile` is bad, as many fail in each step as the cluster usually serves in one.
import { formatDuration } from '../model/duration.ts';
import type { Deployment, Model } from '../model/model.ts';
import { matching, on, union } from './promql.ts';
import type { RecordingRule } from './rules.ts';
import { clusterLabels, events } from './series.ts';
import { burnRateWindows } from './timing.ts';

/** Requests that a cluster serves in a step while all is well, by SLI. */
const usualRequests = 'cluster:etcd_sli_usual:increase';

/** Requests of this step that count as failed, of clusters that do not serve; by SLI. */
export const lostRequests = 'cluster:etcd_sli_lost:increase';

/** The states that requests fail with, each with the SLIs of these requests. */
function statesOf({ slis }: Model): Array<{ state: string; requests: string }> {
  const failing = slis.flatMap((sli) =>
    sli.kind === 'ratio' && sli.failsWhile ? [{ ...sli, state: sli.failsWhile }] : []
  );
  return [...new Set(failing.map(({ state }) => state))].map((state) => ({
    state,
    requests: failing
      .filter((sli) => sli.state === state)
      .map(({ name }) => name)
      .join('|'),
  }));
}

/**
 * Good requests in the steps in which the state was good, divided by these steps: of the window of the fastest alert, and
 * in an outage longer than that of the longest window. Without any history nothing is usual.
 */
export function usualRules(model: Model): RecordingRule[] {
  const windows = [model.burnRates[0].long, burnRateWindows(model).at(-1)!].map(formatDuration);
  return statesOf(model).map(({ state, requests }) => {
    const good = (matchers: string, window: string) => {
      const counted = (kind: string) => `${events('cluster', window)}{${matchers},events="${kind}"}`;
      return `(${counted('all')} - ignoring (events) ${counted('bad')})`;
    };
    const each = windows.map(
      (window) =>
        `${good(`sli=~"${requests}"`, window)}\n/ ${on(clusterLabels)} group_left ()\n(${good(`sli="${state}"`, window)} > 0)`
    );
    return { record: usualRequests, expr: union(each) };
  });
}

/** A state that was good a step ago may have lasted for a moment, such as an election: from the second step on it counts. */
export function lostRules(model: Model, { step }: Deployment): RecordingRule[] {
  return statesOf(model).map(({ state, requests }) => {
    const bad = events('cluster') + matching({ sli: state, events: 'bad' });
    const both = [`${bad} == 1`, `${bad} offset ${formatDuration(step)} == 1`];
    return {
      record: lostRequests,
      expr: [`${usualRequests}{sli=~"${requests}"}`, ...both].join(`\nand ${on(clusterLabels)}\n`),
    };
  });
}
