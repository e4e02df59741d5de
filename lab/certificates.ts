import * as x509 from '@peculiar/x509';
import { createPublicKey, generateKeyPairSync, webcrypto } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { isIP } from 'node:net';
import path from 'node:path';

import { writePrivateFile } from './private-file.ts';

x509.cryptoProvider.set(webcrypto as Crypto);

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const validDays = 3650;

/** The files of a certificate. */
export interface CertificateFiles {
  certificate: string;
  key: string;
}

export interface CertificateRequest {
  commonName: string;
  /** DNS names and IP addresses. Empty for a client certificate. */
  hosts: string[];
}

/**
 * The lab's certificate authority, stored in a folder. Certificates that it issued earlier are kept, so that servers
 * need no restart. Each certificate name has its own file.
 */
export interface Authority {
  certificateFile: string;
  issue(name: string, request: CertificateRequest): Promise<CertificateFiles>;
  /**
   * Replaces an issued certificate with a new one for the same key, valid for the given number of days. The file is
   * replaced atomically: servers that read it at every handshake, as etcd does, never read a partial file.
   */
  renew(name: string, request: CertificateRequest, days?: number): Promise<void>;
}

export async function openAuthority(folder: string): Promise<Authority> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const files = filesOf(folder, 'ca');
  const issuer = existsSync(files.certificate) ? await readIssuer(files) : await createIssuer(files);
  return {
    certificateFile: files.certificate,
    async issue(name, request) {
      const issued = filesOf(folder, name);
      if (!existsSync(issued.certificate)) {
        const keys = await newKeys();
        await writeFiles(issued, await sign(issuer, keys.publicKey, request), keys.privateKey);
      }
      return issued;
    },
    async renew(name, request, days) {
      const { certificate, key } = filesOf(folder, name);
      const renewed = await sign(issuer, await publicKeyOf(key), request, days);
      writeCertificate(`${certificate}.new`, renewed);
      renameSync(`${certificate}.new`, certificate);
    },
  };
}

/** Creates an RSA key for signing service-account tokens, unless the file exists. */
export function serviceAccountKey(file: string): void {
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writePrivateFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  }
}

interface Issuer {
  certificate: x509.X509Certificate;
  privateKey: CryptoKey;
}

async function createIssuer(files: CertificateFiles): Promise<Issuer> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=etcd Fleet lab',
    ...validity(),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  await writeFiles(files, certificate, keys.privateKey);
  return { certificate, privateKey: keys.privateKey };
}

async function readIssuer(files: CertificateFiles): Promise<Issuer> {
  const key = x509.PemConverter.decodeFirst(readFileSync(files.key, 'utf8'));
  return {
    certificate: new x509.X509Certificate(readFileSync(files.certificate, 'utf8')),
    privateKey: await webcrypto.subtle.importKey('pkcs8', key, algorithm, false, ['sign']),
  };
}

async function sign(
  issuer: Issuer,
  publicKey: CryptoKey,
  request: CertificateRequest,
  days?: number
): Promise<x509.X509Certificate> {
  return x509.X509CertificateGenerator.create({
    subject: `CN=${request.commonName}`,
    issuer: issuer.certificate.subject,
    ...validity(days),
    publicKey,
    signingKey: issuer.privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      // etcd members and their HTTP gateway use one certificate as both server and client.
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      ...(request.hosts.length > 0 ? [subjectAlternativeNames(request.hosts)] : []),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.certificate),
    ],
  });
}

function subjectAlternativeNames(hosts: string[]): x509.SubjectAlternativeNameExtension {
  return new x509.SubjectAlternativeNameExtension(
    hosts.map((host) => ({ type: isIP(host) ? 'ip' : 'dns', value: host }) as const)
  );
}

async function newKeys(): Promise<CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

async function publicKeyOf(keyFile: string): Promise<CryptoKey> {
  const der = createPublicKey(readFileSync(keyFile)).export({ type: 'spki', format: 'der' });
  return webcrypto.subtle.importKey('spki', der, algorithm, true, ['verify']);
}

async function writeFiles(files: CertificateFiles, certificate: x509.X509Certificate, key: CryptoKey): Promise<void> {
  const der = await webcrypto.subtle.exportKey('pkcs8', key);
  writePrivateFile(files.key, `${x509.PemConverter.encode(der, 'PRIVATE KEY')}\n`);
  // The certificate is written last: if it exists, its key exists too.
  writeCertificate(files.certificate, certificate);
}

function writeCertificate(file: string, certificate: x509.X509Certificate): void {
  writePrivateFile(file, `${certificate.toString('pem')}\n`);
}

function validity(days = validDays) {
  const hour = 60 * 60 * 1000;
  const notBefore = new Date(Date.now() - hour); // allows for clock skew
  return { notBefore, notAfter: new Date(Date.now() + days * 24 * hour) };
}

const filesOf = (folder: string, name: string): CertificateFiles => ({
  certificate: path.join(folder, `${name}.crt`),
  key: path.join(folder, `${name}.key`),
});
