// Extends the scaffold: the generated dashboards are part of the app, and each nested plugin has its own logo.
import CopyWebpackPlugin from 'copy-webpack-plugin';
import path from 'path';
import type { Configuration } from 'webpack';
import { merge } from 'webpack-merge';

import grafanaConfig, { type Env } from './.config/webpack/webpack.config';

const config = async (env: Env): Promise<Configuration> =>
  merge(await grafanaConfig(env), {
    // The definitions, as text.
    module: { rules: [{ test: /\.yaml$/, type: 'asset/source' }] },
    // A chunk is one file: one split off would have a name of its own in each build.
    optimization: { splitChunks: false },
    plugins: [
      new CopyWebpackPlugin({
        patterns: [
          {
            from: path.resolve(process.cwd(), 'dashboards', '*.json'),
            to: 'dashboards/[name][ext]',
            filter: (file) => path.basename(file) !== 'package.json',
          },
          { from: '*/**/img/*', to: '.' },
        ],
      }),
    ],
  });

export default config;
