/**
 * Shows our own documents: headings with anchors, paragraphs, lists, tables, code, links. Everything is text: nothing in them is
 * ever taken for markup, but a line's break. A code at the begin of a table's row is an anchor too.
 */
import type { Child, FC } from 'hono/jsx';
import { lexer, type MarkedToken, type Token, type Tokens } from 'marked';

export const Markdown: FC<{ readonly text: string }> = ({ text }) => {
  const tokens = lexer(text);
  return <>{tokens.map((token, at) => show(token, () => nameOfTable(tokens, at)))}</>;
};

function show(token: Token, nameOf: () => string): Child {
  // The lexer knows no tokens but these: we add no extensions.
  const known = token as MarkedToken;
  switch (known.type) {
    case 'heading':
      return <Heading {...known} />;
    case 'code':
      return <pre>{known.text}</pre>;
    case 'paragraph':
    case 'text':
      return <p>{inline(known.tokens ?? [])}</p>;
    case 'list':
      return (
        <ul>
          {known.items.map((item) => (
            <li>{inline(item.tokens.flatMap(withinItem))}</li>
          ))}
        </ul>
      );
    case 'table':
      return <TableOf table={known} under={nameOf()} />;
    case 'space':
      return null;
    default:
      return known.raw;
  }
}

/** By the heading above, once: whoever hears the page tells tables apart by their names. */
function nameOfTable(tokens: readonly Token[], at: number): string {
  const from = tokens.slice(0, at).findLastIndex(({ type }) => type === 'heading');
  const heading = tokens[from] as Tokens.Heading | undefined;
  const before = tokens.slice(from + 1, at).filter(({ type }) => type === 'table').length;
  const name = heading?.text.replaceAll('`', '') ?? 'Table';
  return before === 0 ? name : `${name}, ${before + 1}`;
}

/** The words of a point stand in a block of their own. */
function withinItem(token: Token): Token[] {
  return 'tokens' in token && token.tokens !== undefined ? token.tokens : [token];
}

const Heading: FC<Tokens.Heading> = ({ depth, text, tokens }) => {
  const id = anchorOf(text);
  if (depth === 1) return <h1 id={id}>{inline(tokens)}</h1>;
  return depth === 2 ? <h2 id={id}>{inline(tokens)}</h2> : <h3 id={id}>{inline(tokens)}</h3>;
};

const TableOf: FC<{ readonly table: Tokens.Table; readonly under: string }> = ({ table: { header, rows }, under }) => (
  <section class="scroll" aria-label={under} tabindex={0}>
    <table class="blocks">
      <thead>
        <tr>
          {header.map((cell) => (
            <th scope="col">{inline(cell.tokens)}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((cells) => (
          <tr id={/^`(\w+)`$/.exec(cells[0]?.text ?? '')?.[1]}>
            {cells.map((cell, index) => (
              <td data-label={header[index]?.text.replaceAll('`', '')}>
                <span>{inline(cell.tokens)}</span>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </section>
);

/** As GitHub makes them. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

function inline(tokens: readonly Token[]): Child[] {
  return tokens.map((token) => {
    const known = token as MarkedToken;
    switch (known.type) {
      case 'codespan':
        return <code>{known.text}</code>;
      case 'strong':
        return <strong>{inline(known.tokens)}</strong>;
      case 'em':
        return <em>{inline(known.tokens)}</em>;
      case 'link':
        return linkOf(known);
      case 'br':
        return <br />;
      case 'escape':
      case 'text':
        return known.text;
      default:
        return known.raw === '<br>' ? <br /> : known.raw;
    }
  });
}

/** Another document is not served: what it is called stands there, and no link that leads nowhere. */
function linkOf({ href, tokens }: Tokens.Link): Child {
  if (!/^(?:#|https:\/\/)/.test(href)) return <span title={`docs/${href}`}>{inline(tokens)}</span>;
  return (
    <a href={href} rel="noreferrer">
      {inline(tokens)}
    </a>
  );
}
