declare global {
  interface Window {
    __grafanaSceneContext?: { state?: { $timeRange?: { onRefresh?: () => void } } };
  }
}

/**
 * Runs the dashboard's queries again, as its refresh button does. Grafana has no public call for it: its dashboards
 * no longer listen to refresh events. If this fails, the dashboard's own refresh interval does it.
 */
export function refreshDashboard(): void {
  window.__grafanaSceneContext?.state?.$timeRange?.onRefresh?.();
}
