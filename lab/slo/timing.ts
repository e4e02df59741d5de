/** Shorter than in deploy/prometheus/prometheus.yaml, so that people see things happen. */
export const scrapeInterval = '5s';

/** How often SLO events are counted: the shortest that slo/model allows for this scrape interval. */
export const step = '10s';
