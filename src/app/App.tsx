import type { AppRootProps } from '@grafana/data';
import React from 'react';
import { Navigate, Route, Routes } from 'react-router';

import { FleetPage } from './FleetPage';
import { fleetRoute } from './paths';

/** The app's pages, one for each task. */
export default function App(_: AppRootProps) {
  return (
    <Routes>
      <Route path="fleet" element={<FleetPage />} />
      <Route path="*" element={<Navigate to={fleetRoute} replace />} />
    </Routes>
  );
}
