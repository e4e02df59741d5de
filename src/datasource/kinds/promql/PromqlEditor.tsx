import { Field, Input, RadioButtonGroup, Stack, TextArea } from '@grafana/ui';
import React, { type KeyboardEvent } from 'react';

import type { EditorProps } from '../kind';
import type { PromqlQuery } from './query';

const modes: Array<{ value: PromqlQuery['mode']; label: string; description: string }> = [
  { value: 'range', label: 'Range', description: 'A series over time' },
  { value: 'instant', label: 'Instant', description: 'A table of the newest values' },
];

export function PromqlEditor({ query, onChange, onRunQuery }: EditorProps<PromqlQuery>) {
  const runOnShiftEnter = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && event.shiftKey) {
      event.preventDefault();
      onRunQuery();
    }
  };
  return (
    <>
      <Field
        label="Expression"
        description="Labels of every etcd series: region, product, scene, spec, cluster, member. Shift+Enter runs the query."
        noMargin
      >
        <TextArea
          id={`${query.refId}-expr`}
          value={query.expr}
          rows={Math.min(10, query.expr.split('\n').length + 1)}
          placeholder='max by (cluster) (etcd_debugging_mvcc_keys_total{region="gz"})'
          spellCheck={false}
          onChange={(event) => onChange({ expr: event.currentTarget.value }, false)}
          onBlur={onRunQuery}
          onKeyDown={runOnShiftEnter}
        />
      </Field>
      <Stack direction="row" gap={2} wrap="wrap">
        <Field label="Mode" noMargin>
          <RadioButtonGroup
            id={`${query.refId}-mode`}
            aria-label="Mode"
            options={modes}
            value={query.mode}
            onChange={(mode) => onChange({ mode })}
          />
        </Field>
        {query.mode === 'range' && (
          <>
            <Field label="Legend" description="For example {{cluster}}; empty: all labels" noMargin>
              <Input
                id={`${query.refId}-legend`}
                value={query.legend}
                width={32}
                onChange={(event) => onChange({ legend: event.currentTarget.value }, false)}
                onBlur={onRunQuery}
              />
            </Field>
            <Field label="Min step" description="For example 15s; empty: what the panel asks for" noMargin>
              <Input
                id={`${query.refId}-min-step`}
                value={query.minStep}
                width={20}
                onChange={(event) => onChange({ minStep: event.currentTarget.value.trim() }, false)}
                onBlur={onRunQuery}
              />
            </Field>
          </>
        )}
      </Stack>
    </>
  );
}
