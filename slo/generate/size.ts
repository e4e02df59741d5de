// How much the rules record.
import type { Model } from '../model/model.ts';
import { burnRateWindows } from './timing.ts';

/** Series that the region's rules record for a cluster that has every SLI. Groups of clusters add few. */
export function seriesPerCluster(model: Model): number {
  const windows = burnRateWindows(model).length;
  const eventSeries = 2 * model.slis.length; // bad and all
  const sums = windows + 2; // of each window, of the budget's, and of tiles
  const ofObjectives = model.objectives.length * (windows + 1); // burn rates, and what is left of the budget
  const expectedMembers = 1;
  return eventSeries * (1 + sums) + ofObjectives + expectedMembers;
}
