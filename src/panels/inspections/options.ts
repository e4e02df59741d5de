import type { PanelOptionsEditorBuilder } from '@grafana/data';

import { type ColumnId, columnIds, columnTitles } from './columnIds';

export interface InspectionsOptions {
  columns: ColumnId[];
  showHistory: boolean;
  compact: boolean;
  allowRun: boolean;
  /** How long a queued or running inspection is followed without progress. */
  runTimeoutSeconds: number;
}

export const defaultOptions: InspectionsOptions = {
  columns: ['region', 'cluster', 'check', 'outcome', 'lastRun', 'message', 'state', 'nextRun'],
  showHistory: true,
  compact: false,
  allowRun: true,
  runTimeoutSeconds: 120,
};

export function addOptions(builder: PanelOptionsEditorBuilder<InspectionsOptions>): void {
  builder
    .addMultiSelect({
      path: 'columns',
      name: 'Columns',
      defaultValue: defaultOptions.columns,
      // The builder's types take each option for a whole value: a list.
      settings: { options: columnIds.map((value) => ({ value: value as never, label: columnTitles[value] })) },
    })
    .addBooleanSwitch({
      path: 'showHistory',
      name: 'Show history',
      description: 'The last runs, up to 20, with the value that the check measures',
      defaultValue: defaultOptions.showHistory,
    })
    .addBooleanSwitch({
      path: 'compact',
      name: 'Compact rows',
      description: 'One line per row',
      defaultValue: defaultOptions.compact,
    })
    .addBooleanSwitch({
      path: 'allowRun',
      name: 'Run now',
      description: 'Offer to run inspections. What a user may run is decided by the datasource.',
      defaultValue: defaultOptions.allowRun,
    })
    .addNumberInput({
      path: 'runTimeoutSeconds',
      name: 'Wait for a run',
      description: 'Seconds without progress after which a run is no longer followed',
      defaultValue: defaultOptions.runTimeoutSeconds,
      settings: { min: 10, max: 3600, integer: true },
      showIf: ({ allowRun }) => allowRun,
    });
}
