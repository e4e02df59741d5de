// Evaluation intervals.
import { formatDuration } from '../model/duration.ts';
import type { Deployment, Model } from '../model/model.ts';

export interface Timing {
  /** Events are counted, and the fastest burn rate is known, this often. */
  step: string;
  /** What is left of budgets, and of the fleet's: both follow their events within two minutes with a step of a minute. */
  budget: string;
  fleet: string;
  /** The other windows. Instant queries look back five minutes, so no series that they read may be older. */
  slow: string;
  /** How late counting is, so that the scrapes of its step have ended. */
  offset: string;
  /** Seconds of a tile. */
  tile: number;
  /** The last part of a tile's name, such as `30m_tile`. */
  tileName: string;
  /** How late a tile is summed, so that the evaluation of its last step has ended; also in seconds. */
  tileOffset: string;
  tileLate: number;
  /** How far back values written once per tile are looked up: Prometheus may have been down for a while. */
  tileLookback: string;
  /** Windows from this length on are sums of tiles. */
  tiledFrom: number;
}

export const stepsOfTile = 30;

/** Seconds that an instant query looks back: Prometheus' default of --query.lookback-delta. */
export const instantLookback = 300;

/** Seconds that an alert outlives its trouble, so that it does not flap. */
export const keepFiring = 300;

export function timingOf({ step, scrapeInterval }: Deployment): Timing {
  const tile = stepsOfTile * step;
  return {
    step: formatDuration(step),
    budget: formatDuration(step / 2),
    fleet: formatDuration(Math.max(step / 4, 5)),
    slow: formatDuration(Math.min(4 * step, 240)),
    offset: formatDuration(scrapeInterval),
    tile,
    tileName: `${formatDuration(tile)}_tile`,
    tileOffset: formatDuration(2 * step),
    tileLate: 2 * step,
    tileLookback: formatDuration(6 * tile),
    tiledFrom: 86400,
  };
}

/** The windows of burn rates, ascending, each once. */
export function burnRateWindows({ burnRates }: Model): number[] {
  return [...new Set(burnRates.flatMap(({ short, long }) => [short, long]))].sort((a, b) => a - b);
}
