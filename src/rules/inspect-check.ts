/**
 * Static inspection of `check.ts`: TypeScript syntax, one self-contained module, allowed imports.
 * Nothing is executed. What it refuses would fail, or be unreviewable, where the rule is later run:
 * top-level await, for example, fails under the Taskless CLI in repositories without `"type": "module"`.
 */
import { parse } from '@babel/parser';
import { byteLength } from '../schema/path.ts';
import type { CapabilityFacts } from '../schema/rule.ts';
import { MAX_CHECK_BYTES } from '../schema/rule.ts';
import { declaredHosts } from './declared-hosts.ts';
import {
  ALLOWED_IMPORTS,
  HTTPS,
  isAllowedImport,
  readsFiles,
  startsProcesses,
  usesNetwork,
} from './imports.ts';
import { type Problem, type Result, refuse, succeed } from './result.ts';
import { type SyntaxNode, walk } from './syntax-walk.ts';

/** Syntax that type stripping cannot erase, so that Node and tsx would disagree. */
const NOT_ERASABLE: Readonly<Record<string, string>> = {
  TSEnumDeclaration: 'an enum; use a union of string literals',
  TSModuleDeclaration: 'a namespace; use plain functions and constants',
  TSParameterProperty: 'a parameter property; declare the field',
  TSImportEqualsDeclaration: 'import = ; use an import declaration',
  TSExportAssignment: 'export = ; use export default',
  Decorator: 'a decorator',
};

/**
 * Names that reach code, a module or the network without an import, refused so that what the signature
 * says of a check's capabilities can be read from its imports. The sandbox, not this list, contains them.
 */
const HIDDEN_DOORS = new Set([
  'eval',
  'Function',
  'fetch',
  'WebSocket',
  'EventSource',
  'XMLHttpRequest',
  'globalThis',
  'global',
]);
/** Members of `process` that are doors; every other use of `process` than a plain member is refused. */
const PROCESS_DOORS = new Set(['binding', '_linkedBinding', 'dlopen', 'getBuiltinModule', 'mainModule']);

export function inspectCheck(source: string): Result<CapabilityFacts> {
  if (byteLength(source) > MAX_CHECK_BYTES) {
    return refuse([problem('check_too_large', undefined, `is larger than ${MAX_CHECK_BYTES} bytes`)]);
  }
  const program = parseModule(source);
  if (!program.ok) return program;

  const { hosts, faults } = declaredHosts(program.value);
  const problems = faults.map(({ node, message }) => problem('hosts_malformed', line(node), message));
  const declaresHosts = hosts.length > 0 || faults.length > 0;
  const imports = new Set<string>();
  walk(program.value, (node, context) => {
    for (const specifier of importedModules(node)) {
      imports.add(specifier);
      if (!isAllowedImport(specifier, declaresHosts)) problems.push(importProblem(specifier, node));
    }
    const door = hiddenDoor(node, context.parent);
    if (door !== null) problems.push(door);
    const refused = refusedSyntax(node, context.functionDepth);
    if (refused !== null) problems.push(refused);
  });
  problems.push(...defaultExportProblems(program.value));
  if (hosts.length > 0 && !imports.has(HTTPS)) {
    problems.push(problem('hosts_unused', undefined, `declares hosts and does not import ${HTTPS}`));
  }

  if (problems.length > 0) return refuse(problems);
  const specifiers = [...imports].sort();
  return succeed({
    imports: specifiers,
    readsFiles: specifiers.some(readsFiles),
    startsProcesses: specifiers.some(startsProcesses),
    usesNetwork: specifiers.some(usesNetwork),
    hosts,
  });
}

function parseModule(source: string): Result<SyntaxNode> {
  try {
    const file = parse(source, { sourceType: 'module', plugins: ['typescript'] });
    return succeed(file.program as unknown as SyntaxNode);
  } catch (error) {
    const line = (error as { loc?: { line?: number } }).loc?.line;
    const message = error instanceof Error ? error.message : String(error);
    return refuse([problem('check_syntax', line, `is not valid TypeScript: ${message}`)]);
  }
}

function importedModules(node: SyntaxNode): string[] {
  const declares =
    node.type === 'ImportDeclaration' ||
    node.type === 'ExportNamedDeclaration' ||
    node.type === 'ExportAllDeclaration';
  const source = declares ? (node.source as SyntaxNode | null | undefined) : null;
  return typeof source?.value === 'string' ? [source.value] : [];
}

function importProblem(specifier: string, node: SyntaxNode): Problem {
  if (specifier.startsWith('.') || specifier.startsWith('/')) {
    return problem(
      'import_relative',
      line(node),
      `imports ${JSON.stringify(specifier)}; check.ts must be one self-contained file`,
    );
  }
  const undeclared = specifier === HTTPS ? ' without declaring hosts' : '';
  return problem(
    'import_not_allowed',
    line(node),
    `imports ${JSON.stringify(specifier)}${undeclared}; allowed are ${ALLOWED_IMPORTS.join(', ')}`,
  );
}

function refusedSyntax(node: SyntaxNode, functionDepth: number): Problem | null {
  const notErasable = NOT_ERASABLE[node.type];
  if (notErasable !== undefined && node.declare !== true) {
    return problem('syntax_not_erasable', line(node), `uses ${notErasable}`);
  }
  if (functionDepth === 0 && (node.type === 'AwaitExpression' || isForAwait(node))) {
    return problem('top_level_await', line(node), 'uses top-level await; move it into the exported function');
  }
  if (node.type === 'ImportExpression') {
    return problem('dynamic_import', line(node), 'uses import(); use import declarations at the top');
  }
  const called = calledName(node);
  if (called === 'require') {
    return problem('dynamic_import', line(node), 'calls require(); use import declarations');
  }
  return null;
}

function isForAwait(node: SyntaxNode): boolean {
  return node.type === 'ForOfStatement' && node.await === true;
}

function calledName(node: SyntaxNode): string | null {
  if (node.type !== 'CallExpression' && node.type !== 'NewExpression') return null;
  const callee = node.callee as SyntaxNode | undefined;
  return callee?.type === 'Identifier' && typeof callee.name === 'string' ? callee.name : null;
}

function hiddenDoor(node: SyntaxNode, parent: SyntaxNode | null): Problem | null {
  const door = (name: string) =>
    problem(
      'hidden_door',
      line(node),
      `uses ${name}, which reaches past the imports; read files with node:fs`,
    );
  if (memberName(node) === 'constructor') return door('.constructor');
  if (node.type !== 'Identifier' || typeof node.name !== 'string' || isPropertyName(node, parent))
    return null;
  if (HIDDEN_DOORS.has(node.name)) return door(node.name);
  if (node.name !== 'process') return null;
  const member = parent === null || parent.object !== node ? undefined : memberName(parent);
  if (member === undefined) return door('process as a value');
  return PROCESS_DOORS.has(member) ? door(`process.${member}`) : null;
}

/** `x.name`, `x['name']`; `undefined` for a member that is computed, and for anything else. */
function memberName(node: SyntaxNode): string | undefined {
  if (node.type !== 'MemberExpression' && node.type !== 'OptionalMemberExpression') return undefined;
  const property = node.property as SyntaxNode;
  const name = node.computed === true ? property.value : property.name;
  return typeof name === 'string' && (node.computed !== true || property.type === 'StringLiteral')
    ? name
    : undefined;
}

/** `x.fetch` and `{ fetch: … }` name a property of something, not the global. */
function isPropertyName(node: SyntaxNode, parent: SyntaxNode | null): boolean {
  if (parent === null || parent.computed === true || parent.shorthand === true) return false;
  return parent.property === node || parent.key === node;
}

const FUNCTION_LIKE = new Set([
  'FunctionDeclaration',
  'FunctionExpression',
  'ArrowFunctionExpression',
  'Identifier',
  'TSAsExpression',
  'TSSatisfiesExpression',
]);

function defaultExportProblems(program: SyntaxNode): Problem[] {
  const body = (program.body ?? []) as SyntaxNode[];
  const named = body.some(
    (node) =>
      node.type === 'ExportNamedDeclaration' &&
      ((node.specifiers ?? []) as SyntaxNode[]).some(
        (specifier) => (specifier.exported as SyntaxNode | undefined)?.name === 'default',
      ),
  );
  if (named) return [];
  const exported = body.find((node) => node.type === 'ExportDefaultDeclaration');
  if (exported === undefined) {
    return [
      problem(
        'no_default_export',
        undefined,
        'has no default export; export default a function (root, matches)',
      ),
    ];
  }
  const declaration = exported.declaration as SyntaxNode;
  if (FUNCTION_LIKE.has(declaration.type)) return [];
  return [
    problem(
      'default_export_not_function',
      line(exported),
      'must export a function (root, matches) by default',
    ),
  ];
}

function problem(reason: string, lineNumber: number | undefined, message: string): Problem {
  const where = lineNumber === undefined ? 'check.ts' : `check.ts:${lineNumber}`;
  return { reason, where, message: `${where} ${message}` };
}

function line(node: SyntaxNode): number | undefined {
  return node.loc?.start.line;
}
