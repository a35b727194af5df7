/**
 * The hosts a check asks to reach: `export const hosts = ['api.example.com'];`, literals only, so that what is
 * signed can be read without running anything. Any other export of that name is refused, never ignored.
 */
import { egressHost, MAX_HOSTS, notGranted, statedHosts } from '../schema/egress.ts';
import type { Problem } from './result.ts';
import { type SyntaxNode, walk } from './syntax-walk.ts';

const NAME = 'hosts';

export interface DeclaredHosts {
  /** Sorted, each once; empty when none are declared. */
  readonly hosts: string[];
  readonly faults: readonly { readonly node: SyntaxNode; readonly message: string }[];
}

export function declaredHosts(program: SyntaxNode): DeclaredHosts {
  const declarations = nodes(program.body).filter(exportsHosts);
  const [node, second] = declarations;
  if (node === undefined) return { hosts: [], faults: [] };
  const fault = (message: string): DeclaredHosts => ({ hosts: [], faults: [{ node, message }] });
  if (second !== undefined) return fault('exports hosts more than once');
  const values = literalsOf(node);
  if (values === null) {
    return fault(
      "must declare hosts as one array of string literals: export const hosts = ['api.example.com'];",
    );
  }
  if (values.length === 0 || values.length > MAX_HOSTS)
    return fault(`must declare 1 to ${MAX_HOSTS} hosts, or none`);
  for (const value of values) {
    const issue = egressHost.safeParse(value).error?.issues[0];
    if (issue !== undefined) return fault(`declares ${JSON.stringify(value)}, which ${issue.message}`);
  }
  return { hosts: statedHosts(values), faults: [] };
}

/** In whatever form: `export const hosts`, `export function hosts`, `export { x as hosts }`. */
function exportsHosts(node: SyntaxNode): boolean {
  if (node.type !== 'ExportNamedDeclaration') return false;
  const declaration = node.declaration as SyntaxNode | null | undefined;
  const declared = declaration ? [declaration, ...nodes(declaration.declarations)].map(({ id }) => id) : [];
  const exported = nodes(node.specifiers).map((specifier) => specifier.exported);
  return [...declared, ...exported].some(mentionsHosts);
}

/** An identifier, a string, or a pattern that binds it; a pattern that has the name elsewhere counts, too. */
function mentionsHosts(binding: unknown): boolean {
  let found = false;
  if (typeof binding === 'object' && binding !== null) {
    walk(binding as SyntaxNode, ({ type, name, value }) => {
      found ||= (type === 'Identifier' && name === NAME) || (type === 'StringLiteral' && value === NAME);
    });
  }
  return found;
}

function literalsOf({ declaration }: SyntaxNode): string[] | null {
  const { type, kind, declarations, declare } = (declaration ?? {}) as SyntaxNode;
  const [declarator, another] = nodes(declarations);
  if (type !== 'VariableDeclaration' || kind !== 'const' || declare === true) return null;
  if (declarator === undefined || another !== undefined) return null;
  if ((declarator.id as SyntaxNode).type !== 'Identifier') return null;
  const array = withoutAsConst(declarator.init as SyntaxNode | null);
  if (array?.type !== 'ArrayExpression') return null;
  const values = (array.elements as (SyntaxNode | null)[]).map((element) =>
    element?.type === 'StringLiteral' ? (element.value as string) : null,
  );
  return values.every((value) => value !== null) ? values : null;
}

function withoutAsConst(node: SyntaxNode | null): SyntaxNode | null {
  if (node?.type !== 'TSAsExpression') return node;
  const { typeName } = node.typeAnnotation as { typeName?: { name?: unknown } };
  return typeName?.name === 'const' ? (node.expression as SyntaxNode) : null;
}

function nodes(value: unknown): SyntaxNode[] {
  return Array.isArray(value) ? value : [];
}

/** What a rule asks for beyond what its request allows. */
export function hostProblems(hosts: readonly string[], allowed: readonly string[] = []): Problem[] {
  const unasked = notGranted(hosts, allowed);
  if (unasked.length === 0) return [];
  const may = allowed.length === 0 ? 'allows no network' : `allows ${allowed.join(', ')}`;
  const message = `check.ts declares hosts ${unasked.join(', ')}; the request ${may}`;
  return [{ reason: 'hosts_not_allowed', where: 'check.ts', message }];
}
