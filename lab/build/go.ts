import { execa } from 'execa';
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { LabFailure, reasonOf } from '../failure.ts';

/** Fails unless the installed Go can build the module in `directory`. */
export async function requireGo(directory: string): Promise<void> {
  try {
    // Go compares its version with the one in go.mod, and fetches a newer toolchain if it is allowed to.
    await execa('go', ['list', '-m'], { cwd: directory });
  } catch (error) {
    throw goFailure(directory, error);
  }
}

/** Runs `go build` with the flags of all builds. `output` is a file for one program, or a folder for several. */
export async function goBuild(options: {
  directory: string;
  packages: string[];
  output: string;
  ldflags?: string;
  tags?: string;
  /** A file to use in place of go.mod; its checksums are beside it. */
  modfile?: string;
  signal?: AbortSignal;
}): Promise<void> {
  const ldflags = ['-s', '-w', options.ldflags].filter(Boolean).join(' ');
  try {
    const flags = ['-trimpath', '-ldflags', ldflags];
    if (options.tags) {
      flags.push('-tags', options.tags);
    }
    if (options.modfile) {
      flags.push('-modfile', options.modfile);
    }
    await execa('go', ['build', ...flags, '-o', options.output, ...options.packages], {
      cwd: options.directory,
      cancelSignal: options.signal,
    });
  } catch (error) {
    options.signal?.throwIfAborted();
    throw new LabFailure(
      `Building ${options.packages.join(' ')} in ${options.directory} failed:`,
      'Fetching modules needs a Go module proxy (`go env GOPROXY`). Compiling needs about 4 GB of memory and 12 GB of disk.',
      lastLines(error)
    );
  }
}

function goFailure(directory: string, error: unknown): LabFailure {
  const [, version] = /^go (\S+)$/m.exec(readFileSync(path.join(directory, 'go.mod'), 'utf8')) ?? [];
  const remedy = `Install Go ${version} or newer from https://go.dev/dl/ and make sure that \`go\` is in the PATH.`;
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
    return new LabFailure('Go is not installed: `go` is not in the PATH.', remedy);
  }
  return new LabFailure('The installed Go cannot build this project:', remedy, lastLines(error));
}

function lastLines(error: unknown): string {
  const { stderr } = error as { stderr?: string };
  return (stderr || reasonOf(error)).trimEnd().split('\n').slice(-20).join('\n');
}
