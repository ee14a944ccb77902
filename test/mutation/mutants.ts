import ts from 'typescript';

/** One small mistake in a source file. */
export interface Mutant {
  readonly id: number;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly before: string;
  /** Empty: the statement is left out. */
  readonly after: string;
}

export interface MutatedSource {
  /** The source with every mutant in it; `$mutant(id)` decides at run time which one is on. */
  readonly code: string;
  readonly mutants: readonly Mutant[];
}

const { SyntaxKind } = ts;

/** What a comparison becomes. */
const comparisons: ReadonlyMap<ts.SyntaxKind, readonly string[]> = new Map([
  [SyntaxKind.EqualsEqualsEqualsToken, []],
  [SyntaxKind.ExclamationEqualsEqualsToken, []],
  [SyntaxKind.InstanceOfKeyword, []],
  [SyntaxKind.InKeyword, []],
  [SyntaxKind.LessThanToken, ['<=', '>=']],
  [SyntaxKind.LessThanEqualsToken, ['<', '>']],
  [SyntaxKind.GreaterThanToken, ['>=', '<=']],
  [SyntaxKind.GreaterThanEqualsToken, ['>', '<']],
]);

const arithmetic: ReadonlyMap<ts.SyntaxKind, string> = new Map([
  [SyntaxKind.PlusToken, '-'],
  [SyntaxKind.MinusToken, '+'],
  [SyntaxKind.AsteriskToken, '/'],
  [SyntaxKind.SlashToken, '*'],
  [SyntaxKind.PercentToken, '*'],
]);

/** Methods that can be left out of a chain, or taken for another. */
const methods: ReadonlyMap<string, string | undefined> = new Map([
  ['trim', undefined],
  ['toLowerCase', undefined],
  ['toUpperCase', undefined],
  ['filter', undefined],
  ['toSorted', undefined],
  ['some', 'every'],
  ['every', 'some'],
  ['startsWith', 'endsWith'],
  ['endsWith', 'startsWith'],
  ['min', 'max'],
  ['max', 'min'],
]);

/**
 * Puts all mutants of a source file into it, so that it is compiled once for all of them.
 *
 * @param file its path, for the list of mutants
 * @param firstId of its mutants; the others follow
 */
export function mutate(source: string, file: string, firstId: number): MutatedSource {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.ES2023, true);
  const mutants: Mutant[] = [];

  const add = (node: ts.Node, after: string): number => {
    const { line, character } = tree.getLineAndCharacterOfPosition(node.getStart(tree));
    const id = firstId + mutants.length;
    const before = node.getText(tree);
    mutants.push({ id, file, line: line + 1, column: character + 1, before, after });
    return id;
  };

  const render = (node: ts.Node): string => {
    if (isLeftAlone(node)) return node.getText(tree);
    const alternatives =
      ts.isSourceFile(node) || isInsideChain(node) ? [] : alternativesOf(node, tree);
    const ids = alternatives.map((after) => add(node, after));
    const leftOut = canBeLeftOut(node) ? add(node, '') : undefined;

    let inner = '';
    let at = node.getStart(tree);
    ts.forEachChild(node, (child) => {
      inner += source.slice(at, child.getStart(tree)) + render(child);
      at = child.end;
    });
    inner += source.slice(at, node.end);

    if (leftOut !== undefined) return `{ if (!$mutant(${leftOut})) { ${inner} } }`;
    return ids.reduceRight(
      (text, id, index) => `($mutant(${id}) ? (${alternatives[index]}) : (${text}))`,
      inner,
    );
  };

  const body = render(tree);
  return { code: `const $mutant = globalThis.$mutant; ${body}`, mutants };
}

/** Types, names, imports and decorators. */
function isLeftAlone(node: ts.Node): boolean {
  return (
    ts.isTypeNode(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isImportDeclaration(node) ||
    ts.isExportDeclaration(node) ||
    ts.isDecorator(node) ||
    ts.isTypeParameterDeclaration(node) ||
    (ts.isPropertyName(node) && 'name' in node.parent && node.parent.name === node)
  );
}

/** In `a?.b().c` only the whole may be put into parentheses. */
function isInsideChain(node: ts.Node): boolean {
  const { parent } = node;
  return (
    ts.isOptionalChain(node) &&
    'expression' in parent &&
    parent.expression === node &&
    ts.isOptionalChain(parent)
  );
}

function canBeLeftOut(node: ts.Node): boolean {
  if (ts.isThrowStatement(node) || ts.isContinueStatement(node)) return true;
  if (!ts.isExpressionStatement(node)) return false;
  const { expression } = node;
  const called = ts.isAwaitExpression(expression) ? expression.expression : expression;
  if (ts.isCallExpression(called)) return called.expression.kind !== SyntaxKind.SuperKeyword;
  return (
    ts.isDeleteExpression(expression) ||
    (ts.isBinaryExpression(expression) &&
      expression.operatorToken.kind >= SyntaxKind.FirstAssignment &&
      expression.operatorToken.kind <= SyntaxKind.LastAssignment)
  );
}

/** What an expression becomes in its mutants. */
function alternativesOf(node: ts.Node, tree: ts.SourceFile): readonly string[] {
  const text = node.getText(tree);
  if (ts.isBinaryExpression(node)) return alternativesOfBinary(node, tree);
  if (ts.isNumericLiteral(node)) return [`${text} + 1`];
  if (node.kind === SyntaxKind.TrueKeyword) return ['false'];
  if (node.kind === SyntaxKind.FalseKeyword) return ['true'];
  if (ts.isStringLiteral(node)) {
    const isOneOfMany = ts.isArrayLiteralExpression(node.parent) || ts.isCaseClause(node.parent);
    return isOneOfMany && node.text !== '' ? ["''"] : [];
  }
  if (ts.isRegularExpressionLiteral(node)) return alternativesOfRegExp(text);
  if (ts.isPrefixUnaryExpression(node) && node.operator === SyntaxKind.ExclamationToken) {
    return [node.operand.getText(tree)];
  }
  const ofCall = ts.isCallExpression(node) ? alternativesOfCall(node, tree) : [];
  return [...ofCall, ...alternativesAsCondition(node)];
}

function alternativesOfBinary(node: ts.BinaryExpression, tree: ts.SourceFile): readonly string[] {
  const [left, right] = [node.left.getText(tree), node.right.getText(tree)];
  const operator = node.operatorToken.kind;
  if (operator === SyntaxKind.QuestionQuestionToken) return [left, right];

  const comparison = comparisons.get(operator);
  if (comparison?.length === 0) return ['true', 'false'];
  if (comparison !== undefined) return comparison.map((other) => `${left} ${other} ${right}`);

  const opposite = arithmetic.get(operator);
  const isText = [node.left, node.right].some(
    (side) => ts.isStringLiteralLike(side) || ts.isTemplateExpression(side),
  );
  return opposite === undefined || isText ? [] : [`${left} ${opposite} ${right}`];
}

function alternativesOfRegExp(text: string): readonly string[] {
  const end = text.lastIndexOf('/');
  const [pattern, flags] = [text.slice(1, end), text.slice(end + 1)];
  return [
    ...(pattern.startsWith('^') && pattern.length > 1 ? [`/${pattern.slice(1)}/${flags}`] : []),
    ...(/[^\\]\$$/.test(pattern) ? [`/${pattern.slice(0, -1)}/${flags}`] : []),
  ];
}

function alternativesOfCall(node: ts.CallExpression, tree: ts.SourceFile): readonly string[] {
  const { expression } = node;
  if (!ts.isPropertyAccessExpression(expression)) return [];
  const name = expression.name.text;
  if (!methods.has(name)) return [];
  const receiver = expression.expression.getText(tree);
  const other = methods.get(name);
  if (other === undefined) return [receiver];
  const given = node.arguments.map((argument) => argument.getText(tree)).join(', ');
  return [`${receiver}${expression.questionDotToken === undefined ? '.' : '?.'}${other}(${given})`];
}

/** A condition that is no comparison is always or never met; an operand of `&&` and `||` is left out. */
function alternativesAsCondition(node: ts.Node): readonly string[] {
  const { parent } = node;
  if (ts.isBinaryExpression(parent) && parent.operatorToken !== node) {
    if (parent.operatorToken.kind === SyntaxKind.AmpersandAmpersandToken) return ['true'];
    if (parent.operatorToken.kind === SyntaxKind.BarBarToken) return ['false'];
    return [];
  }
  const isCondition =
    ((ts.isIfStatement(parent) || ts.isWhileStatement(parent)) && parent.expression === node) ||
    (ts.isConditionalExpression(parent) && parent.condition === node);
  return isCondition ? ['true', 'false'] : [];
}
