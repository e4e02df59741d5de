import * as x509 from '@peculiar/x509';
import { generateKeyPairSync, webcrypto } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import path from 'node:path';

import { writePrivateFile } from './private-file.ts';

x509.cryptoProvider.set(webcrypto as Crypto);

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const validYears = 10;

/** The files of a certificate. */
export interface CertificateFiles {
  certificate: string;
  key: string;
}

export interface CertificateRequest {
  commonName: string;
  /** DNS names and IP addresses; none for a client's certificate. */
  hosts: string[];
}

/**
 * A certificate authority of the lab's own, kept in a folder. What it issued before is kept too, so that servers need
 * no restart; a certificate of another name is another file.
 */
export interface Authority {
  certificateFile: string;
  issue(name: string, request: CertificateRequest): Promise<CertificateFiles>;
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
        await issue(issuer, issued, request);
      }
      return issued;
    },
  };
}

/** An RSA key for signing service-account tokens. */
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

async function issue(issuer: Issuer, files: CertificateFiles, request: CertificateRequest): Promise<void> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${request.commonName}`,
    issuer: issuer.certificate.subject,
    ...validity(),
    publicKey: keys.publicKey,
    signingKey: issuer.privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      // etcd's members and their HTTP gateway use one certificate as server and as client.
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      ...(request.hosts.length > 0 ? [subjectAlternativeNames(request.hosts)] : []),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.certificate),
    ],
  });
  await writeFiles(files, certificate, keys.privateKey);
}

function subjectAlternativeNames(hosts: string[]): x509.SubjectAlternativeNameExtension {
  return new x509.SubjectAlternativeNameExtension(
    hosts.map((host) => ({ type: isIP(host) ? 'ip' : 'dns', value: host }) as const)
  );
}

async function newKeys(): Promise<CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

async function writeFiles(files: CertificateFiles, certificate: x509.X509Certificate, key: CryptoKey): Promise<void> {
  const der = await webcrypto.subtle.exportKey('pkcs8', key);
  writePrivateFile(files.key, `${x509.PemConverter.encode(der, 'PRIVATE KEY')}\n`);
  // The certificate comes last: where it is, its key is too.
  writePrivateFile(files.certificate, `${certificate.toString('pem')}\n`);
}

function validity() {
  const notBefore = new Date(Date.now() - 60 * 60 * 1000); // clocks differ
  const notAfter = new Date(notBefore);
  notAfter.setFullYear(notAfter.getFullYear() + validYears);
  return { notBefore, notAfter };
}

const filesOf = (folder: string, name: string): CertificateFiles => ({
  certificate: path.join(folder, `${name}.crt`),
  key: path.join(folder, `${name}.key`),
});
