// How often what is evaluated.
import { formatDuration } from '../model/duration.ts';
import type { Deployment, Model } from '../model/model.ts';

export interface Timing {
  /** Events are counted, and the fastest burn rate is known, this often. */
  step: string;
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
  /** Windows from this length on are sums of tiles. */
  tiledFrom: number;
}

const stepsOfTile = 30;

/** Seconds that an alert outlives its trouble, so that it does not flap. */
export const keepFiring = 300;

export function timingOf({ step, scrapeInterval }: Deployment): Timing {
  const tile = stepsOfTile * step;
  return {
    step: formatDuration(step),
    slow: formatDuration(Math.min(4 * step, 240)),
    offset: formatDuration(scrapeInterval),
    tile,
    tileName: `${formatDuration(tile)}_tile`,
    tileOffset: formatDuration(2 * step),
    tileLate: 2 * step,
    tiledFrom: 86400,
  };
}

/** The windows of burn rates, ascending, each once. */
export function burnRateWindows({ burnRates }: Model): number[] {
  return [...new Set(burnRates.flatMap(({ short, long }) => [short, long]))].sort((a, b) => a - b);
}
