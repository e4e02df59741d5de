// How much the rules record.
import type { Model } from '../model/model.ts';
import { capacity } from './capacity.ts';
import { burnRateWindows } from './timing.ts';

/** Series that the region's rules record for a cluster that has every SLI. Groups of clusters and bad events since the last tile add few. */
export function seriesPerCluster(model: Model): number {
  const windows = burnRateWindows(model).length;
  const badAndAll = 2 + 2 * (windows + 3); // of a step, and sums: of each window, of a tile, of all tiles, of the budget's window
  const steps = 2; // of a tile and of all tiles
  const promised = 2; // history and allowance
  const ofObjectives = model.objectives.length * (windows + 1); // burn rates, and what is left of the budget
  const members = 3; // expected, seen, and with a leader
  const ofCapacity = Object.keys(capacity).length; // of a cluster whose members have one version
  const usualRequests = model.slis.filter((sli) => sli.kind === 'ratio' && sli.failsWhile).length;
  return model.slis.length * (badAndAll + steps + promised) + ofObjectives + members + usualRequests + ofCapacity;
}
