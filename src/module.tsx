import { AppPlugin, type AppRootProps } from '@grafana/data';
import { LoadingPlaceholder } from '@grafana/ui';
import React, { lazy, Suspense } from 'react';

import type { ConfigurationProps } from './app/Configuration';
import { links } from './links/links';

// Loaded with Grafana's first page, whatever that is: the pages come only when they are opened. Their files have names
// because Grafana serves only those that it knew at its start: an update in place must not bring new ones.
const LazyApp = lazy(() => import(/* webpackChunkName: "app" */ './app/App'));
const LazyConfiguration = lazy(() => import(/* webpackChunkName: "configuration" */ './app/Configuration'));

const App = (props: AppRootProps) => (
  <Suspense fallback={<LoadingPlaceholder text="Loading etcd Fleet …" />}>
    <LazyApp {...props} />
  </Suspense>
);

const Configuration = (props: ConfigurationProps) => (
  <Suspense fallback={<LoadingPlaceholder text="Loading …" />}>
    <LazyConfiguration {...props} />
  </Suspense>
);

export const plugin = new AppPlugin().setRootPage(App).addConfigPage({
  title: 'Configuration',
  icon: 'cog',
  body: Configuration,
  id: 'configuration',
});

for (const link of links) {
  plugin.addLink(link);
}
