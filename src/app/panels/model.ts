import type { DataLink, DataTransformerConfig, FieldConfigSource } from '@grafana/data';

import type { FleetQuery } from '../../datasource/kinds';

/**
 * A panel as a generated dashboard (`dashboards/*.json`) has it: queries, transformations and looks. A page that shows it asks
 * and looks like the dashboard, because both have it from one source.
 */
export interface PanelModel {
  /** The id of the panel plugin. */
  type: string;
  title: string;
  description?: string;
  options?: Record<string, unknown>;
  fieldConfig?: FieldConfigSource;
  transformations?: DataTransformerConfig[];
  targets: FleetQuery[];
  /** `h` is the height in rows of a dashboard's grid. */
  gridPos: { h: number };
}

/** A panel of a generated dashboard by its title. Fails if there is none, which a test of the page finds. */
export function panelOf(dashboard: { title: string; panels: object[] }, title: string): PanelModel {
  const panel = (dashboard.panels as PanelModel[]).find((candidate) => candidate.title === title);
  if (!panel) {
    throw new Error(`The dashboard "${dashboard.title}" has no panel "${title}": name one that dashboards/src/ has.`);
  }
  return panel;
}

/**
 * The same panel whose column `field` leads to a place of the app, instead of where it leads in the dashboard. Its `url`
 * may hold the variables of `fillIn`.
 */
export function withLink(model: PanelModel, field: string, link: DataLink): PanelModel {
  const { defaults = {}, overrides = [] } = model.fieldConfig ?? {};
  const override = { matcher: { id: 'byName', options: field }, properties: [{ id: 'links', value: [link] }] };
  return { ...model, fieldConfig: { defaults, overrides: [...overrides, override] } };
}

const rowHeight = 30;
const rowGap = 8;

/** Pixels, as in the dashboard. */
export const heightOf = ({ gridPos: { h } }: PanelModel) => h * rowHeight + (h - 1) * rowGap;
