// The input of the Go program in seed/.

/** All series with one name, in the format of seed/plan.go. Times are in milliseconds. */
export interface Family {
  name: string;
  per: 'cluster' | 'member' | 'series';
  series: SeriesPlan[];
  step: number;
  from: number;
  to: number;
  sampledFrom?: number;
  /** Restricts the family to the clusters with these labels. */
  only?: Record<string, string>;
  changes?: Change[];
}

/** What becomes of the series of a cluster that have these labels. */
export interface Change {
  /** The cluster's index. */
  cluster: number;
  labels: Record<string, string>;
  from: number;
  /** The values after `from`; without it the series end there. */
  to?: Omit<SeriesPlan, 'labels'>;
}

export interface SeriesPlan {
  labels: Record<string, string>;
  kind: 'counter' | 'events' | 'gauge' | 'time';
  perSecond?: number;
  value?: number;
  /** The share by which the value of a gauge varies. */
  spread?: number;
  /** The share of perSecond that falls into higher buckets. */
  without?: number;
}
