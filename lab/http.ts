import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

export interface HttpOptions {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  /** PEM; certificates are always verified. */
  ca?: string;
  cert?: string;
  key?: string;
  /** Default 5 s. */
  timeoutMilliseconds?: number;
}

export interface HttpAnswer {
  status: number;
  body: string;
}

/** Sends a request to a server of the lab. Unlike fetch, it takes a certificate authority and a client certificate. */
export function http(url: string, options: HttpOptions = {}): Promise<HttpAnswer> {
  const { method = 'GET', headers = {}, body, timeoutMilliseconds = 5000, ...tls } = options;
  const send = url.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    // agent: false closes the connection after the answer, so that a command exits when its work is done.
    const signal = AbortSignal.timeout(timeoutMilliseconds);
    const request = send(url, { method, headers, agent: false, signal, ...tls }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') })
      );
      response.on('error', reject);
    });
    request.on('error', (error) =>
      reject(signal.aborted ? new Error(`no answer from ${url} within ${timeoutMilliseconds} ms`) : error)
    );
    request.end(body);
  });
}

/** Returns the body of an answer, which must be a success. */
export async function httpOk(url: string, options?: HttpOptions): Promise<string> {
  const answer = await http(url, options);
  if (answer.status < 200 || answer.status > 299) {
    throw new Error(
      `${options?.method ?? 'GET'} ${url} answered ${answer.status}: ${answer.body.trim().slice(0, 500)}`
    );
  }
  return answer.body;
}
