import {
  type DataFrame,
  formattedValueToString,
  getDisplayProcessor,
  PanelPlugin,
  type PanelPluginMeta,
  type PanelProps,
} from '@grafana/data';
import React from 'react';

/** Stands in for Grafana's own panels, which no package has: each frame as a table of its values and links. */
export const stockPanel = (id: string) => named(id, new PanelPlugin(Frames).useFieldConfig());

export function named(id: string, plugin: PanelPlugin): PanelPlugin {
  plugin.meta = { ...plugin.meta, id, name: id } as PanelPluginMeta;
  return plugin;
}

function Frames({ data, fieldConfig }: PanelProps) {
  const frames = data.series.filter(({ length }) => length > 0);
  return frames.length === 0 ? (
    <p>{fieldConfig.defaults.noValue}</p>
  ) : (
    <div style={{ overflow: 'auto', height: '100%' }}>
      {frames.map((frame, index) => (
        <Rows key={index} frame={frame} />
      ))}
    </div>
  );
}

const Rows = ({ frame: { fields, length } }: { frame: DataFrame }) => (
  <table>
    <thead>
      <tr>
        {fields.map(({ name }, column) => (
          <th key={column}>{name}</th>
        ))}
      </tr>
    </thead>
    <tbody>
      {Array.from({ length }, (_, row) => (
        <tr key={row}>
          {fields.map((field, column) => {
            const text = formattedValueToString((field.display ?? getDisplayProcessor())(field.values[row]));
            const [link] = field.getLinks?.({ valueRowIndex: row }) ?? [];
            return <td key={column}>{link ? <a href={link.href}>{text}</a> : text}</td>;
          })}
        </tr>
      ))}
    </tbody>
  </table>
);
