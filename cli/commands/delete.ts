/**
 * `assay delete` and `assay org`: deletes for good what the service stores of a generation, or of the whole
 * organisation. Without `--yes` it says what it would do, and does nothing.
 */
import type { Organisation } from '../../src/schema/deletion.ts';
import { ApiClient } from '../client.ts';
import { type ConnectionOptions, findConnection } from '../connection.ts';
import { EXIT, type ExitCode, UsageError } from '../exit.ts';
import { plain, print, printJson } from '../output.ts';

interface JsonOptions extends ConnectionOptions {
  readonly json?: boolean;
}
interface DeleteOptions extends JsonOptions {
  readonly yes?: boolean;
}

export async function deleteGeneration(
  id: string,
  options: DeleteOptions & { readonly rule?: boolean },
): Promise<ExitCode> {
  const what = options.rule === true ? 'its rule, request, replies and reports' : 'its request and replies';
  confirmed(options, `this deletes generation ${id}: ${what}`);
  const deletion = await new ApiClient(findConnection(options)).deleteGeneration(id, options.rule === true);
  if (options.json === true) printJson(deletion);
  else
    print(`${deletion.id}  deleted${deletion.doneAt === null ? '; late writes go within 16 minutes' : ''}`);
  return EXIT.ok;
}

export async function deleteOrganisation(id: string, options: DeleteOptions): Promise<ExitCode> {
  confirmed(options, `this deletes everything of organisation ${id}: generations, rules, tokens`);
  return show(await new ApiClient(findConnection(options)).deleteOrganisation(id), options);
}

export async function showOrganisation(options: JsonOptions): Promise<ExitCode> {
  return show(await new ApiClient(findConnection(options)).organisation(), options);
}

function show(organisation: Organisation, { json }: JsonOptions): ExitCode {
  if (json === true) printJson(organisation);
  else {
    print(`organisation ${plain(organisation.id)}`);
    for (const { requestedAt, doneAt } of organisation.deletions) {
      print(`  deletion asked for ${requestedAt}: ${doneAt === null ? 'under way' : `done ${doneAt}`}`);
    }
  }
  return EXIT.ok;
}

/** @throws UsageError NOT_CONFIRMED */
function confirmed({ yes }: DeleteOptions, what: string): void {
  if (yes === true) return;
  throw new UsageError('NOT_CONFIRMED', `${what}; it cannot be undone`, 'say --yes to do it');
}
