// npm run slo -- <command>: what is promised, checked, turned into rules, and exchanged with other tools.
import { calibrate } from './commands/calibrate.ts';
import { check } from './commands/check.ts';
import { UsageError, type Command } from './commands/command.ts';
import { openslo } from './commands/openslo.ts';
import { rules } from './commands/rules.ts';
import { DefinitionError } from './model/problem.ts';

const help: Command = {
  name: 'help',
  usage: '',
  summary: 'shows this',
  async run() {
    console.log('npm run slo -- <command>\n');
    for (const { name, usage, summary } of commands) {
      console.log(`  ${name} ${usage}\n      ${summary}`);
    }
    console.log('\nThe definitions are in slo/definitions, their explanation in docs/slo.md.');
  },
};

const commands: Command[] = [check, rules, openslo, calibrate, help];

const [name = 'help', ...args] = process.argv.slice(2);

try {
  const command = commands.find((candidate) => candidate.name === name.replace(/^-+/, ''));
  if (!command) {
    throw new UsageError(`There is no command ${name}. See them all with npm run slo -- help.`);
  }
  await command.run(args);
} catch (error) {
  console.error(describe(error));
  process.exitCode = 1;
}

function describe(error: unknown): string {
  if (error instanceof DefinitionError) {
    const { length } = error.problems;
    return `${error.message}\n\n${length} ${length === 1 ? 'problem' : 'problems'}. Nothing was written.`;
  }
  const wrongFlags = error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
  if (error instanceof UsageError || wrongFlags) {
    return error.message;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
