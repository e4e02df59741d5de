import { CustomHeadersSettings, FieldSet } from '@grafana/ui';
import React from 'react';

import { type FleetOptions, type FleetSettings, isLimited, thanosUrlSecret } from '../settings';
import { keyPairProblem, secretUrlProblem, thanosUrlExample, thanosUrlProblem } from './problems';
import { SecretField, type SecretFormProps } from './SecretField';
import { SwitchField } from './SwitchField';
import { TextField } from './TextField';

/** How the datasource reaches Thanos query: Grafana's standard HTTP settings. */
export function ThanosFields(form: SecretFormProps) {
  const { settings, onChange, disabled } = form;
  const { url, basicAuth, basicAuthUser, jsonData } = settings;
  const set = (change: Partial<FleetSettings>) => onChange({ ...settings, ...change });
  const setOption = (change: Partial<FleetOptions>) => set({ jsonData: { ...jsonData, ...change } });

  return (
    <FieldSet label="Thanos query">
      <TextField
        id="thanos-url"
        label="URL"
        description="The HTTP address of thanos query (or of its query frontend), as Grafana’s server reaches it. Its page shows the stores of every region under Stores."
        placeholder={thanosUrlExample}
        value={url}
        required={!isLimited(settings)}
        problem={thanosUrlProblem(settings)}
        disabled={disabled}
        onChange={(value) => set({ url: value })}
      />
      {isLimited(settings) && (
        <SecretField
          {...form}
          secret={thanosUrlSecret}
          label="Secret URL"
          description="The URL of a datasource that does not show everything: only the backend can use it."
          placeholder={thanosUrlExample}
          problem={secretUrlProblem(settings, thanosUrlSecret, thanosUrlExample)}
        />
      )}
      <SwitchField
        id="thanos-basic-auth"
        label="Basic auth"
        description="For a Thanos behind a proxy that asks for a user name and a password."
        value={basicAuth}
        disabled={disabled}
        onChange={(value) => set({ basicAuth: value })}
      />
      {basicAuth && (
        <>
          <TextField
            id="thanos-user"
            label="User"
            value={basicAuthUser}
            required
            problem={basicAuthUser ? undefined : 'The user is missing: enter the name that the proxy knows.'}
            disabled={disabled}
            onChange={(value) => set({ basicAuthUser: value })}
          />
          <SecretField
            {...form}
            secret="basicAuthPassword"
            label="Password"
            description="Stored encrypted by Grafana."
          />
        </>
      )}
      {url.startsWith('https:') && <TlsFields {...form} setOption={setOption} />}
      <CustomHeadersSettings dataSourceConfig={settings} onChange={(changed) => onChange(changed as FleetSettings)} />
    </FieldSet>
  );
}

interface TlsProps extends SecretFormProps {
  setOption: (change: Partial<FleetOptions>) => void;
}

function TlsFields({ setOption, ...form }: TlsProps) {
  const { settings, disabled } = form;
  const { tlsAuthWithCACert = false, tlsAuth = false, serverName = '' } = settings.jsonData;
  return (
    <>
      <SwitchField
        id="thanos-own-ca"
        label="Own certificate authority"
        description="On: verify Thanos’s certificate with the authority below. Off: with the system’s authorities. Certificates are always verified."
        value={tlsAuthWithCACert}
        disabled={disabled}
        onChange={(value) => setOption({ tlsAuthWithCACert: value })}
      />
      {tlsAuthWithCACert && (
        <SecretField
          {...form}
          secret="tlsCACert"
          pem="CERTIFICATE"
          label="CA certificate"
          description="PEM text of the authority that signed Thanos’s certificate."
        />
      )}
      <SwitchField
        id="thanos-client-certificate"
        label="Client certificate"
        description="For a Thanos that asks its clients for a certificate."
        value={tlsAuth}
        disabled={disabled}
        onChange={(value) => setOption({ tlsAuth: value })}
      />
      {tlsAuth && (
        <>
          <SecretField
            {...form}
            secret="tlsClientCert"
            pem="CERTIFICATE"
            label="Certificate"
            description="PEM text of the client certificate."
          />
          <SecretField
            {...form}
            secret="tlsClientKey"
            pem="PRIVATE KEY"
            label="Key"
            description="PEM text of its private key."
            problem={keyPairProblem(settings, 'tlsClientCert', 'tlsClientKey')}
          />
        </>
      )}
      <TextField
        id="thanos-server-name"
        label="Server name"
        description="The name in Thanos’s certificate, when it is not the URL’s host."
        placeholder="thanos-query.example.org"
        value={serverName}
        disabled={disabled}
        onChange={(value) => setOption({ serverName: value })}
      />
    </>
  );
}
