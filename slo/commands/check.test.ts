// What `npm run slo -- check --prometheus` says of the retention, by a real Prometheus with that retention.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Prometheus } from '../prometheus.ts';
import { askRetention } from '../retention.ts';
import { scratchDirectory } from '../scratch.ts';
import { servePrometheus } from '../serve-prometheus.ts';
import { serverThatAnswers, slo } from './testing.ts';

const check = (...args: string[]) => slo('check', ...args);

async function prometheus(t: TestContext, ...flags: string[]): Promise<string> {
  const { url, close } = await servePrometheus(scratchDirectory(t), flags, t.signal);
  t.after(close);
  return url;
}

test('a Prometheus that keeps less than the window fails the check, and each is named', async (t) => {
  const [short, long, small] = await Promise.all([
    prometheus(t),
    prometheus(t, '--storage.tsdb.retention.time=35d', '--storage.tsdb.retention.size=10GB'),
    prometheus(t, '--storage.tsdb.retention.size=10GB'),
  ]);
  const { code, stdout, stderr } = await check(...[short, long, small].flatMap((url) => ['--prometheus', url]));
  assert.equal(code, 1);
  assert.match(
    stdout,
    new RegExp(`^${short} keeps samples for 15d, .* set --storage.tsdb.retention.time to .* 35d$`, 'm')
  );
  assert.match(stdout, new RegExp(`^${long} keeps samples for 35d, while they take less than 10GiB`, 'm'));
  assert.match(stdout, new RegExp(`^${small} keeps samples of any age, while they take less than 10GiB`, 'm'));
  assert.match(stderr, /1 of 3 Prometheus did not pass/);
  assert.equal((await check('--prometheus', long)).code, 0);
});

const refused: Array<[what: string, status: number, body: string, message: RegExp]> = [
  ['a Thanos query', 404, 'not found', /not that of Thanos query/],
  ['one that keeps nothing', 200, '{"status":"success","data":{}}', /not that of Thanos query/],
  [
    'words that are no time',
    200,
    '{"status":"success","data":{"storageRetention":"long"}}',
    /keeps samples for "long"/,
  ],
  ['a page of HTML', 200, '<html>', /not an answer of Prometheus. Check --prometheus/],
  ['one that asks who we are', 401, 'who are you', /Give --token-file/],
  ['one that is not ready', 503, '{"status":"error","error":"starting"}', /starting\nAsk again when it is ready/],
];
for (const [what, status, body, message] of refused) {
  test(`not passed: ${what}`, async (t) => {
    const prometheus = new Prometheus(await serverThatAnswers(t, status, body), { timeout: 10, flag: '--prometheus' });
    const { enough, text } = await askRetention(prometheus, 30 * 86400);
    assert.equal(enough, false);
    assert.match(text, message);
  });
}

const wrong: Array<[what: string, args: string[], message: RegExp]> = [
  ['no address', ['--prometheus', 'prometheus:9090'], /--prometheus prometheus:9090 is not an address/],
  ['nobody there', ['--prometheus', 'http://127.0.0.1:9'], /cannot be reached .* Check --prometheus/],
  ['a login', ['--prometheus', 'http://jane:word@127.0.0.1:9'], /^An address of --prometheus holds a login/],
  ['a login at a wrong address', ['--prometheus', 'ftp://jane:word@a'], /^An address of --prometheus holds a login/],
  ['no time', ['--timeout', 'soon'], /--timeout soon is not a duration/],
  [
    'no file',
    ['--token-file', '/nowhere', '--prometheus', 'http://127.0.0.1:9'],
    /--token-file \/nowhere cannot be read/,
  ],
];
for (const [what, args, message] of wrong) {
  test(`a clear error: ${what}`, async () => {
    const { code, stdout, stderr } = await check(...args);
    assert.equal(code, 1);
    assert.match(stdout + stderr, message);
  });
}
