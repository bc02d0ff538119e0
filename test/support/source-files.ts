/**
 * The project's own sources as the architecture test sees them: which file imports what, and how. Reads syntax only; it
 * resolves nothing but relative paths.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface SourceFile {
  /** From the project's root, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly syntax: ts.SourceFile;
  readonly imports: readonly Import[];
}

export interface Import {
  /** The path of a file of this project, the name of a package, or a Node module with `node:`. */
  readonly target: string;
  readonly kind: 'file' | 'package' | 'node';
  /** Gone after compiling: `import type`, or nothing but `type` names. */
  readonly typeOnly: boolean;
  readonly dynamic: boolean;
}

/** Every TypeScript file below a folder of the project. */
export function sourceFiles(folder: string): readonly SourceFile[] {
  return readdirSync(posix.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => posix.join(folder, name.replaceAll('\\', '/')))
    .filter((path) => /\.tsx?$/.test(path))
    .sort()
    .map(readSource);
}

function readSource(path: string): SourceFile {
  const text = readFileSync(posix.join(ROOT, path), 'utf8');
  const syntax = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
  const imports: Import[] = [];
  visit(syntax, (node) => {
    const found = importOf(node);
    if (found !== null) imports.push({ ...found, ...resolve(found.specifier, path) });
  });
  return { path, text, syntax, imports };
}

/** Calls `look` with every node of a tree. */
export function visit(node: ts.Node, look: (node: ts.Node) => void): void {
  look(node);
  ts.forEachChild(node, (child) => visit(child, look));
}

function importOf(node: ts.Node): { specifier: string; typeOnly: boolean; dynamic: boolean } | null {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, typeOnly: isTypeOnly(node.importClause), dynamic: false };
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, typeOnly: node.isTypeOnly, dynamic: false };
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
    return { specifier: node.argument.literal.text, typeOnly: true, dynamic: false };
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [specifier] = node.arguments;
    // A computed name cannot be held to any rule, so it is shown as what it is.
    const text = specifier !== undefined && ts.isStringLiteral(specifier) ? specifier.text : node.getText();
    return { specifier: text, typeOnly: false, dynamic: true };
  }
  return null;
}

function isTypeOnly(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.isTypeOnly) return true;
  const names = clause.namedBindings;
  if (clause.name !== undefined || names === undefined || !ts.isNamedImports(names)) return false;
  return names.elements.length > 0 && names.elements.every((element) => element.isTypeOnly);
}

function resolve(specifier: string, from: string): Pick<Import, 'target' | 'kind'> {
  if (specifier.startsWith('.')) {
    const path = posix.join(posix.dirname(from), specifier);
    const isPage = existsSync(posix.join(ROOT, path.replace(/\.js$/, '.tsx')));
    return { target: path.replace(/\.js$/, isPage ? '.tsx' : '.ts'), kind: 'file' };
  }
  if (specifier.startsWith('node:')) return { target: specifier, kind: 'node' };
  const parts = specifier.split('/');
  return { target: parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/'), kind: 'package' };
}
