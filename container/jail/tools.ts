/** Finds the system programs that rooms are built with. Absolute paths: rooms are started without PATH. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

const DIRECTORIES = ['/usr/bin', '/bin', '/usr/sbin', '/sbin'];

export interface Tools {
  readonly sh: string;
  readonly setpriv: string;
  readonly prlimit: string;
  readonly unshare: string;
  readonly mount: string;
  readonly umount: string;
  readonly pivotRoot: string;
  readonly hostname: string | undefined;
  readonly bwrap: string | undefined;
  readonly chroot: string | undefined;
  readonly env: string | undefined;
}

export function findTool(name: string): string | undefined {
  return DIRECTORIES.map((directory) => join(directory, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** The tools, or the names of the missing ones. */
export function findTools(): Tools | readonly string[] {
  const missing: string[] = [];
  const need = (name: string): string => {
    const path = findTool(name);
    if (path === undefined) missing.push(name);
    return path ?? '';
  };
  const tools: Tools = {
    sh: need('sh'),
    setpriv: need('setpriv'),
    prlimit: need('prlimit'),
    unshare: need('unshare'),
    mount: need('mount'),
    umount: need('umount'),
    pivotRoot: need('pivot_root'),
    hostname: findTool('hostname'),
    bwrap: findTool('bwrap'),
    chroot: findTool('chroot'),
    env: findTool('env'),
  };
  return missing.length > 0 ? missing : tools;
}
