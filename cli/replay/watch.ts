/**
 * Says when something below a directory may have changed. Every directory is watched by itself: node's
 * recursive watch is one per file and loses a file after the first time an editor saves it by renaming
 * another one over it (Node 24.21, measured). What changed is for the caller to find out.
 */
import { type FSWatcher, watch } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { messageOf } from '../../src/errors.ts';
import { UsageError } from '../exit.ts';

/** An editor's save is several changes within a few milliseconds. */
const QUIET_MS = 40;
/** Saved without a pause, it is run now and then all the same. */
const MAX_QUIET_ROUNDS = 25;
/** How often we look for a directory that was removed. */
const ABSENT_POLL_MS = 200;

export class TreeWatcher {
  readonly #root: string;
  #watchers: FSWatcher[] = [];
  #changes = 0;
  #wake: () => void = () => undefined;

  private constructor(root: string) {
    this.#root = root;
  }

  /** @throws UsageError WATCH_UNAVAILABLE */
  static async open(root: string): Promise<TreeWatcher> {
    const watcher = new TreeWatcher(root);
    await watcher.#sync();
    return watcher;
  }

  /** Resolves once something has changed since it resolved last, and nothing has for a moment. */
  async changed(): Promise<void> {
    while (this.#changes === 0) {
      const missing = await lstat(this.#root).then(
        () => false,
        () => true,
      );
      await (missing ? this.#untilThere() : this.#nextChange());
    }
    for (let round = 0; round < MAX_QUIET_ROUNDS; round += 1) {
      const before = this.#changes;
      await wait(QUIET_MS);
      if (this.#changes === before) break;
    }
    // Counted from here: what changes while new directories are being found is a change of its own.
    this.#changes = 0;
    await this.#sync();
  }

  close(): void {
    for (const one of this.#watchers) one.close();
    this.#watchers = [];
  }

  #nextChange(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (this.#changes > 0) resolve();
    });
  }

  async #untilThere(): Promise<void> {
    await wait(ABSENT_POLL_MS);
    if ((await lstat(this.#root).catch(() => null)) !== null) this.#note();
  }

  #note(): void {
    this.#changes += 1;
    this.#wake();
  }

  /**
   * Watches the directories there are now, each anew: one that was made again under its old name may have
   * its old inode number too, and looks the same while its watch is dead.
   */
  async #sync(): Promise<void> {
    const before = this.#watchers;
    this.#watchers = [];
    try {
      await this.#visit(this.#root);
    } finally {
      for (const one of before) one.close();
    }
  }

  async #visit(path: string): Promise<void> {
    const stats = await lstat(path).catch(() => null);
    if (stats === null || !stats.isDirectory()) return;
    this.#add(path);
    // Read after it is watched, so that nothing is made in between unseen.
    for (const entry of await readdir(path, { withFileTypes: true }).catch(() => []))
      if (entry.isDirectory()) await this.#visit(join(path, entry.name));
  }

  #add(path: string): void {
    try {
      const watcher = watch(path, () => this.#note());
      watcher.on('error', () => this.#note());
      this.#watchers.push(watcher);
    } catch (error) {
      // Gone since it was listed; its parent says so.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw new UsageError(
        'WATCH_UNAVAILABLE',
        `${path} cannot be watched: ${messageOf(error)}`,
        'run it again without --watch',
      );
    }
  }
}
