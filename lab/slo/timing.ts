/** Shorter than in deploy/prometheus/prometheus.yaml, so that changes are visible soon. */
export const scrapeInterval = '5s';

/** How often SLO events are counted: the shortest step that slo/model allows for this scrape interval. */
export const step = '10s';
