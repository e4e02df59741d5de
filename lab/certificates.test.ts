import assert from 'node:assert/strict';
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { openAuthority } from './certificates.ts';
import { temporaryDir } from './testing.ts';

const read = (file: string) => new X509Certificate(readFileSync(file));

test('a server certificate is signed by the authority, for its hosts and with its key', async (t) => {
  const authority = await openAuthority(temporaryDir(t));
  const files = await authority.issue('server', { commonName: 'etcd', hosts: ['127.0.0.1', 'localhost'] });
  const certificate = read(files.certificate);
  const issuer = read(authority.certificateFile);

  assert.ok(issuer.ca);
  assert.ok(!certificate.ca);
  assert.ok(certificate.verify(issuer.publicKey));
  assert.ok(certificate.checkIssued(issuer));
  assert.equal(certificate.checkIP('127.0.0.1'), '127.0.0.1');
  assert.equal(certificate.checkHost('localhost'), 'localhost');
  assert.equal(certificate.checkHost('example.org'), undefined);
  assert.ok(certificate.checkPrivateKey(createPrivateKey(readFileSync(files.key))));
});

test('a client certificate names its user and no host', async (t) => {
  const authority = await openAuthority(temporaryDir(t));
  const certificate = read((await authority.issue('client', { commonName: 'etcdfleet', hosts: [] })).certificate);
  assert.equal(certificate.subject, 'CN=etcdfleet');
  assert.equal(certificate.subjectAltName, undefined);
});

test('authority and certificates survive reopening the folder, and the key stays the same', async (t) => {
  const folder = temporaryDir(t);
  const first = await openAuthority(folder);
  const before = read((await first.issue('server', { commonName: 'a', hosts: ['localhost'] })).certificate);
  const second = await openAuthority(folder);
  const kept = read((await second.issue('server', { commonName: 'a', hosts: ['localhost'] })).certificate);
  const later = read((await second.issue('later', { commonName: 'b', hosts: ['localhost'] })).certificate);
  assert.equal(kept.fingerprint256, before.fingerprint256);
  assert.ok(later.verify(read(first.certificateFile).publicKey));
});

test('a renewed certificate has the same key and hosts, and the requested lifetime', async (t) => {
  const authority = await openAuthority(temporaryDir(t));
  const request = { commonName: 'etcd', hosts: ['localhost'] };
  const files = await authority.issue('server', request);
  const daysLeft = () => Math.round((Date.parse(read(files.certificate).validTo) - Date.now()) / 86_400_000);
  for (const [days, want] of [
    [2, 2],
    [undefined, 3650],
  ]) {
    await authority.renew('server', request, days);
    assert.equal(daysLeft(), want);
    assert.equal(read(files.certificate).checkHost('localhost'), 'localhost');
    assert.ok(read(files.certificate).checkPrivateKey(createPrivateKey(readFileSync(files.key))));
    assert.ok(read(files.certificate).verify(read(authority.certificateFile).publicKey));
  }
});

test('keys are readable by their owner only', async (t) => {
  const folder = temporaryDir(t);
  const { key } = await (await openAuthority(folder)).issue('server', { commonName: 'a', hosts: [] });
  for (const file of [key, path.join(folder, 'ca.key')]) {
    assert.equal(statSync(file).mode & 0o777, 0o600);
  }
});
