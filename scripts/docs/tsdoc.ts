import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import ts from 'typescript';

/** A member of an interface, as its declaration and its comment say it. */
export interface DocumentedMember {
  readonly name: string;
  readonly type: string;
  readonly optional: boolean;
  /** Markdown. */
  readonly text: string;
  /** What `@defaultValue` says. */
  readonly defaultValue: string | undefined;
}

function typeScriptFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

/** The text of a TSDoc comment as Markdown: links become code, and its indentation goes. */
function markdownOf(comment: string): { text: string; defaultValue: string | undefined } {
  const body = comment
    .replace(/^\/\*\*/, '')
    .replace(/\*\/$/, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .trim()
    .replace(/\{@link ([^}|]+)\}/g, (_, target: string) => `\`${target.trim()}\``);
  const [, defaultValue] = /@defaultValue ([^\n]+)/.exec(body) ?? [];
  const text = body.replace(/\n?@defaultValue [^\n]+/, '').trim();
  return { text, defaultValue: defaultValue?.trim() };
}

/** On one line, and without what every option may be. */
function typeOf(text: string): string {
  const plain = text.replace(/\s+/g, ' ').replace(/ \| undefined$/, '');
  return plain.replace(/^\((.*)\)$/, '$1');
}

function memberOf(
  member: ts.TypeElement | ts.ClassElement,
  source: ts.SourceFile,
): DocumentedMember | undefined {
  const known =
    ts.isPropertySignature(member) ||
    ts.isMethodSignature(member) ||
    ts.isPropertyDeclaration(member);
  if (!known) return undefined;
  const comments = (ts.getLeadingCommentRanges(source.text, member.pos) ?? []).map((range) =>
    source.text.slice(range.pos, range.end),
  );
  const comment = comments.findLast((one) => one.startsWith('/**')) ?? '';
  const name = ts.isStringLiteral(member.name) ? member.name.text : member.name.getText(source);
  return {
    name,
    type: typeOf(member.type?.getText(source) ?? 'unknown'),
    optional: member.questionToken !== undefined,
    ...markdownOf(comment),
  };
}

/** Finds what the code below a folder says of its interfaces, whichever file they are in. */
export class TsDoc {
  readonly #sources: readonly ts.SourceFile[];

  constructor(folder: string) {
    this.#sources = typeScriptFiles(folder).map((file) =>
      ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true),
    );
  }

  /** The members of an interface or a class, in the order in which they are declared. */
  membersOf(name: string): readonly DocumentedMember[] {
    const found = this.#sources.flatMap((source) =>
      source.statements
        .filter((one) => ts.isInterfaceDeclaration(one) || ts.isClassDeclaration(one))
        .filter((statement) => statement.name?.text === name)
        .map((statement) => ({ source, statement })),
    );
    const [first] = found;
    if (first === undefined || found.length > 1) {
      throw new Error(`${found.length} interfaces are called ${name}`);
    }
    const { source, statement } = first;
    return statement.members.flatMap((member) => memberOf(member, source) ?? []);
  }

  /** The texts of a union of string literals. */
  unionOf(name: string): readonly string[] {
    const texts = this.#sources.flatMap((source) =>
      source.statements
        .filter(ts.isTypeAliasDeclaration)
        .filter((statement) => statement.name.text === name && ts.isUnionTypeNode(statement.type))
        .flatMap(({ type }) => [...type.getText(source).matchAll(/'([^']+)'/g)]),
    );
    if (texts.length === 0) throw new Error(`No union is called ${name}`);
    return texts.map(([, text = '']) => text);
  }
}
