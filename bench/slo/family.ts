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
}

export interface SeriesPlan {
  labels: Record<string, string>;
  kind: 'counter' | 'events' | 'gauge' | 'time';
  perSecond?: number;
  value?: number;
  /** The share of perSecond that falls into higher buckets. */
  without?: number;
}
