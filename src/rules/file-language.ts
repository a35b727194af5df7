/** The ast-grep language that a file name stands for, as ast-grep tells it: by what follows the last dot. */

const EXTENSIONS: Readonly<Record<string, string>> = {
  bash: 'bash sh zsh bats ksh cgi command env fcgi tmux tool',
  c: 'c h',
  cpp: 'cpp cc hpp cxx c++ hh hxx cu ino',
  csharp: 'cs',
  css: 'css scss',
  elixir: 'ex exs',
  go: 'go',
  haskell: 'hs',
  hcl: 'hcl tf tfvars nomad workflow',
  html: 'html htm xhtml',
  java: 'java',
  javascript: 'js cjs mjs jsx',
  json: 'json',
  kotlin: 'kt ktm kts',
  lua: 'lua',
  nix: 'nix',
  php: 'php',
  python: 'py py3 pyi bzl bazel',
  ruby: 'rb rbw gemspec',
  rust: 'rs',
  scala: 'scala sc sbt',
  solidity: 'sol',
  swift: 'swift',
  tsx: 'tsx',
  typescript: 'ts cts mts',
  yaml: 'yml yaml',
};

const BY_EXTENSION: ReadonlyMap<string, string> = new Map(
  Object.entries(EXTENSIONS).flatMap(([language, extensions]) =>
    extensions.split(' ').map((extension) => [extension, language] as const),
  ),
);

/** Canonical name, or `null` when ast-grep would not look into the file. */
export function languageOfFile(path: string): string | null {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  return dot <= 0 ? null : (BY_EXTENSION.get(name.slice(dot + 1)) ?? null);
}

/** In a folder that ast-grep does not enter. */
export function isHiddenPath(path: string): boolean {
  return /(?:^|\/)\.[^/]*\//.test(path);
}
