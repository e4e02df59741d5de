import { LoadingState, type PanelData } from '@grafana/data';

/** Why there is nothing to show, and what to do about it. */
export interface EmptyReason {
  title: string;
  remedy: string;
}

/** `frames` is how many frames are answers to an inspections query, `rows` how many rows they have. */
export function emptyReason(data: PanelData, frames: number, rows: number): EmptyReason | undefined {
  if (rows > 0) {
    return undefined;
  }
  if (data.state === LoadingState.Error) {
    return {
      title: 'The inspections could not be read',
      remedy: data.errors?.[0]?.message ?? 'Save & test of the datasource names what is wrong.',
    };
  }
  if (data.series.length === 0) {
    return {
      title: 'No data',
      remedy: 'Edit the panel: choose an etcd Fleet datasource and its query Inspections.',
    };
  }
  if (frames === 0) {
    return {
      title: 'These are no inspections',
      remedy:
        'Edit the panel: choose the query Inspections of an etcd Fleet datasource, and no transformation that drops its columns.',
    };
  }
  return {
    title: 'No inspections in this scope',
    remedy:
      'Widen the scope of the query or the variables of the dashboard. A cluster is inspected as soon as it has an EtcdMonitor.',
  };
}
