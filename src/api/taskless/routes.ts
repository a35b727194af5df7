/**
 * The contract of the Taskless client, an entry of the table for each of its routes (docs/spec/taskless.md). Errors
 * have that client's shape, and so do bodies; tokens, budgets and organisations are those of every other route.
 */
import type { Route } from '../route.ts';
import { aboutRoutes } from './about.ts';
import { deviceRoutes } from './device.ts';
import { iterateRoutes } from './iterate.ts';
import { reconcileRoutes } from './reconcile.ts';
import { submitRoutes } from './rule.ts';
import { statusRoutes } from './status.ts';
import { tokenRoutes } from './token.ts';
import { verifyRoutes } from './verify.ts';
import { whoamiRoutes } from './whoami.ts';

const CONTRACT: readonly Route[] = [
  ...deviceRoutes,
  ...tokenRoutes,
  ...verifyRoutes,
  ...whoamiRoutes,
  ...submitRoutes,
  ...statusRoutes,
  ...iterateRoutes,
  ...reconcileRoutes,
];

export const tasklessRoutes: readonly Route[] = [...CONTRACT, ...aboutRoutes(CONTRACT)];
