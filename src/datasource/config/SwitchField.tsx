import { Field, Switch } from '@grafana/ui';
import React from 'react';

interface Props {
  id: string;
  label: string;
  description: string;
  value: boolean;
  disabled: boolean;
  onChange: (value: boolean) => void;
}

export function SwitchField({ id, value, onChange, ...field }: Props) {
  return (
    <Field {...field}>
      <Switch id={id} value={value} onChange={(event) => onChange(event.currentTarget.checked)} />
    </Field>
  );
}
