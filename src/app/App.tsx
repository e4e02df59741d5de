import type { AppRootProps } from '@grafana/data';
import { LoadingPlaceholder } from '@grafana/ui';
import React, { lazy, Suspense } from 'react';
import { Navigate, Route, Routes } from 'react-router';

import { FleetPage } from './fleet/FleetPage';
import { fleetRoute } from './paths';

const ClusterPage = lazy(() => import(/* webpackChunkName: "cluster" */ './cluster/ClusterPage'));

// With the definitions and what reads them, which the other pages do not need.
const WorkbenchPage = lazy(() => import(/* webpackChunkName: "workbench" */ './workbench/WorkbenchPage'));

/** The app's pages, one for each task. */
export default function App(_: AppRootProps) {
  return (
    <Routes>
      <Route path="fleet" element={<FleetPage />} />
      <Route
        path="cluster"
        element={
          <Suspense fallback={<LoadingPlaceholder text="Loading the cluster page …" />}>
            <ClusterPage />
          </Suspense>
        }
      />
      <Route
        path="workbench"
        element={
          <Suspense fallback={<LoadingPlaceholder text="Loading the SLO workbench …" />}>
            <WorkbenchPage />
          </Suspense>
        }
      />
      <Route path="*" element={<Navigate to={fleetRoute} replace />} />
    </Routes>
  );
}
