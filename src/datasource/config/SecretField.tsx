import { Field, SecretInput, SecretTextArea } from '@grafana/ui';
import React, { type FormEvent } from 'react';

import { clearSecret, type FleetSettings, isStored, setSecret } from '../settings';
import { pemProblem, type Problem } from './problems';

/** What every secret of a form has in common. */
export interface SecretFormProps {
  settings: FleetSettings;
  onChange: (settings: FleetSettings) => void;
  disabled: boolean;
}

interface Props extends SecretFormProps {
  /** The secret's key in secureJsonData. */
  secret: string;
  label: string;
  description: string;
  placeholder?: string;
  /** The secret is a PEM text of this type. */
  pem?: 'CERTIFICATE' | 'PRIVATE KEY';
  problem?: Problem;
}

/** A secret that is written and reset, never shown. */
export function SecretField({
  secret,
  label,
  description,
  placeholder,
  pem,
  problem,
  disabled,
  settings,
  onChange,
}: Props) {
  const value = settings.secureJsonData?.[secret] ?? '';
  const shownProblem = pem ? (pemProblem(value) ?? problem) : problem;
  const input = {
    id: `secret-${secret}`,
    value,
    isConfigured: isStored(settings, secret),
    placeholder: pem ? `-----BEGIN ${pem}-----` : placeholder,
    disabled,
    autoComplete: 'off',
    onChange: ({ currentTarget }: FormEvent<HTMLInputElement | HTMLTextAreaElement>) =>
      onChange(setSecret(settings, secret, currentTarget.value)),
    onReset: () => onChange(clearSecret(settings, secret)),
  };
  return (
    <Field
      label={label}
      description={description}
      invalid={shownProblem !== undefined}
      error={shownProblem}
      disabled={disabled}
      htmlFor={input.id}
    >
      {pem ? <SecretTextArea {...input} cols={60} rows={3} /> : <SecretInput {...input} width={60} />}
    </Field>
  );
}
