/** A plain walk over a parsed module; knows nothing of the rules that use it. */

export interface SyntaxNode {
  readonly type: string;
  readonly loc?: { readonly start: { readonly line: number } } | null;
  readonly [key: string]: unknown;
}

export interface WalkContext {
  readonly parent: SyntaxNode | null;
  /** Functions entered on the way; 0 means module level. */
  readonly functionDepth: number;
}

const FUNCTIONS = new Set([
  'FunctionDeclaration',
  'FunctionExpression',
  'ArrowFunctionExpression',
  'ObjectMethod',
  'ClassMethod',
  'ClassPrivateMethod',
]);

const SKIPPED_KEYS = new Set([
  'loc',
  'leadingComments',
  'trailingComments',
  'innerComments',
  'extra',
  'errors',
]);

/** Calls `visit` for every node, parents first. Iterative, so that deep input cannot overflow the stack. */
export function walk(root: SyntaxNode, visit: (node: SyntaxNode, context: WalkContext) => void): void {
  const pending: { node: SyntaxNode; context: WalkContext }[] = [
    { node: root, context: { parent: null, functionDepth: 0 } },
  ];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { node, context } = next;
    visit(node, context);
    const functionDepth = context.functionDepth + (FUNCTIONS.has(node.type) ? 1 : 0);
    for (const child of children(node))
      pending.push({ node: child, context: { parent: node, functionDepth } });
  }
}

function children(node: SyntaxNode): SyntaxNode[] {
  return Object.entries(node)
    .filter(([key]) => !SKIPPED_KEYS.has(key))
    .flatMap(([, value]) => (Array.isArray(value) ? value : [value]))
    .filter(isNode);
}

function isNode(value: unknown): value is SyntaxNode {
  return (
    typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'
  );
}
