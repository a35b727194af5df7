/** Options that several commands share, in the same words everywhere. */
import { type Command, InvalidArgumentError, Option } from 'commander';

/** Adds where the service is and how to prove who asks. */
export function withService(command: Command): Command {
  return command
    .option('--server <url>', 'the service (default: ASSAY_URL, or the one "npm run dev" started)')
    .option('--token <token>', 'bearer token (default: ASSAY_TOKEN, or that of "npm run dev")');
}

export function withJson(command: Command): Command {
  return command.option('--json', 'print JSON');
}

/** @param standard kind when none is given; without it the command decides */
export function sandboxOption(description: string, standard?: string): Option {
  const option = new Option('--sandbox <kind>', description).choices(['host', 'isolate', 'container']);
  return standard === undefined ? option : option.default(standard);
}

export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^[0-9]+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`give a whole number from ${min} to ${max}`);
    }
    return value;
  };
}

/** For options that may be given several times. */
export function collect(value: string, earlier: readonly string[] | undefined): string[] {
  return [...(earlier ?? []), value];
}
