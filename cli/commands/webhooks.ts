/** `assay webhooks …`. A made secret goes to stdout alone, so that it can be piped to where it belongs. */
import colors from 'picocolors';
import type { Delivery, DeliveryDetail, WebhookSecret } from '../../src/schema/webhooks.ts';
import { ApiClient, type DeliveryFilter } from '../client.ts';
import { type ConnectionOptions, findConnection } from '../connection.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { note, plain, print, printJson } from '../output.ts';

interface JsonOptions extends ConnectionOptions {
  readonly json?: boolean;
}

export async function createSecret(options: JsonOptions): Promise<ExitCode> {
  const made = await new ApiClient(findConnection(options)).createWebhookSecret();
  if (options.json === true) {
    printJson(made);
    return EXIT.ok;
  }
  note(`${secretLine(made)}\nkeep the secret: it is not shown again`);
  print(made.secret);
  return EXIT.ok;
}

export async function listSecrets(options: JsonOptions & { readonly limit: number }): Promise<ExitCode> {
  const page = await new ApiClient(findConnection(options)).listWebhookSecrets({ limit: options.limit });
  if (options.json === true) printJson(page);
  else if (page.secrets.length === 0) print('no secrets: "assay webhooks secret create" makes one');
  else for (const one of page.secrets) print(secretLine(one));
  return EXIT.ok;
}

export async function revokeSecret(id: string, options: JsonOptions): Promise<ExitCode> {
  const revoked = await new ApiClient(findConnection(options)).revokeWebhookSecret(id);
  if (options.json === true) printJson(revoked);
  else print(secretLine(revoked));
  return EXIT.ok;
}

export async function deliveries(
  id: string | undefined,
  options: JsonOptions & DeliveryFilter,
): Promise<ExitCode> {
  const client = new ApiClient(findConnection(options));
  if (id !== undefined) {
    show(await client.delivery(id), options);
    return EXIT.ok;
  }
  const { generation, batch, status, limit } = options;
  const found = await client.listDeliveries({ generation, batch, status, limit });
  if (options.json === true) printJson({ deliveries: found });
  else if (found.length === 0) print('no such webhooks');
  else for (const one of found) print(deliveryLine(one));
  return EXIT.ok;
}

export async function retryDelivery(id: string, options: JsonOptions): Promise<ExitCode> {
  show(await new ApiClient(findConnection(options)).retryDelivery(id), options);
  return EXIT.ok;
}

function show(one: DeliveryDetail, { json }: JsonOptions): void {
  if (json === true) {
    printJson(one);
    return;
  }
  print(deliveryLine(one));
  for (const { round, n, startedAt, status, problem } of one.attempts) {
    print(`  ${startedAt}  attempt ${round}.${n}: ${status ?? problem ?? 'no answer yet'}`);
  }
}

function deliveryLine(one: Delivery): string {
  const next = one.nextAttemptAt === null ? '' : `, next attempt ${one.nextAttemptAt}`;
  return `${one.id}  ${stateOf(one)}${next}  ${plain(one.event)} ${plain(one.subject.id)}  ${plain(one.url)}`;
}

function stateOf({ status }: Delivery): string {
  if (status === 'delivered') return colors.green(status);
  return status === 'pending' ? status : colors.red(status);
}

function secretLine(one: WebhookSecret): string {
  const state = one.revokedAt === null ? 'active' : colors.red(`revoked ${one.revokedAt}`);
  return `${one.id}  made ${one.createdAt}  ${state}`;
}
