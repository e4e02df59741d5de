import { FieldConfigProperty, PanelPlugin } from '@grafana/data';

import { InspectionsPanel } from './InspectionsPanel';
import { addOptions, type InspectionsOptions } from './options';

// Grafana loads a nested plugin from an address of its own, where lazy chunks are not found: all is in this one file.
export const plugin = new PanelPlugin<InspectionsOptions>(InspectionsPanel).setPanelOptions(addOptions).useFieldConfig({
  disableStandardOptions: Object.values(FieldConfigProperty).filter((option) => option !== FieldConfigProperty.Links),
});
