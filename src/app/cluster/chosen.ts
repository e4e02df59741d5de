/** The cluster that the page shows: the values of its address. */
export interface ChosenCluster {
  /** A datasource's uid. */
  datasource: string;
  region: string;
  cluster: string;
}
