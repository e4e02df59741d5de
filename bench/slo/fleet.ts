// The monitored fleet: clusters spread evenly over regions, products, scenes and classes.
import type { Model } from '../../slo/model/model.ts';

export interface Fleet {
  /** Sorted by name. */
  clusters: ClusterLabels[];
  /** Values of the label member in each cluster. */
  members: string[];
  /** The first clusters have raw series for the whole window of the error budget. */
  sampled: number;
}

export interface ClusterLabels extends Record<string, string> {
  region: string;
  product: string;
  scene: string;
  spec: string;
  cluster: string;
}

const regions = ['bj', 'cd', 'fra', 'gz', 'hk', 'nj', 'sg', 'sh'];
const products = ['tke', 'eks', 'edge'];
const scenes = ['big-customer', 'business', 'finance', 'game', 'internal'];

export function fleetOf(clusters: number, members: number, sampled: number, { classes }: Model): Fleet {
  const specs = classes.map(({ name }) => name);
  return {
    clusters: Array.from({ length: clusters }, (_, index) => {
      let rest = index;
      const next = (values: string[]) => {
        const value = values[rest % values.length];
        rest = Math.floor(rest / values.length);
        return value;
      };
      return {
        region: next(regions),
        product: next(products),
        scene: next(scenes),
        spec: next(specs),
        cluster: `etcd-${String(index).padStart(6, '0')}`,
      };
    }),
    members: Array.from({ length: members }, (_, index) => `m${index}`),
    sampled: Math.min(sampled, clusters),
  };
}
