/**
 * Shows our own documents: headings with anchors, paragraphs, lists, tables, code, links. Of Markdown no more than they use, and
 * everything is text: nothing is ever taken for markup. A code at the begin of a table's row is an anchor too.
 */
import type { Child, FC } from 'hono/jsx';

export const Markdown: FC<{ readonly text: string }> = ({ text }) => <>{blocksOf(text.split('\n')).map(show)}</>;

type Block =
  | { readonly kind: 'heading'; readonly level: number; readonly text: string }
  | { readonly kind: 'code' | 'paragraph'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | { readonly kind: 'table'; readonly head: readonly string[]; readonly rows: ReadonlyArray<readonly string[]> };

function blocksOf(lines: readonly string[]): Block[] {
  const blocks: Block[] = [];
  const takeWhile = (at: number, fits: (line: string) => boolean): number => {
    let end = at;
    while (end < lines.length && fits(lines[end] ?? '')) end += 1;
    return end;
  };
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? '';
    const heading = /^(#{1,6}) +(.+)$/.exec(line);
    if (line.trim() === '') at += 1;
    else if (heading !== null) {
      blocks.push({ kind: 'heading', level: heading[1]?.length ?? 1, text: heading[2] ?? '' });
      at += 1;
    } else if (line.startsWith('```')) {
      const end = takeWhile(at + 1, (one) => !one.startsWith('```'));
      blocks.push({ kind: 'code', text: lines.slice(at + 1, end).join('\n') });
      at = end + 1;
    } else if (line.startsWith('|')) {
      const end = takeWhile(at, (one) => one.startsWith('|'));
      const [head = [], , ...rows] = lines.slice(at, end).map(cellsOf);
      blocks.push({ kind: 'table', head, rows });
      at = end;
    } else {
      const end = takeWhile(at, (one) => one.trim() !== '' && !/^(?:#{1,6} |```|\|)/.test(one));
      addText(blocks, lines.slice(at, end).join('\n'));
      at = end;
    }
  }
  return blocks;
}

/** Points of a list may stand apart; they are one list all the same. */
function addText(blocks: Block[], text: string): void {
  if (!text.startsWith('- ')) {
    blocks.push({ kind: 'paragraph', text });
    return;
  }
  const items = text.slice(2).split('\n- ');
  const last = blocks.at(-1);
  if (last?.kind === 'list') blocks.splice(-1, 1, { kind: 'list', items: [...last.items, ...items] });
  else blocks.push({ kind: 'list', items });
}

function cellsOf(line: string): string[] {
  return line
    .trim()
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));
}

function show(block: Block): Child {
  switch (block.kind) {
    case 'heading':
      return <Heading level={block.level} text={block.text} />;
    case 'code':
      return <pre>{block.text}</pre>;
    case 'paragraph':
      return <p>{inline(block.text)}</p>;
    case 'list':
      return (
        <ul>
          {block.items.map((item) => (
            <li>{inline(item)}</li>
          ))}
        </ul>
      );
    case 'table':
      return <TableOf head={block.head} rows={block.rows} />;
    default:
      return block satisfies never;
  }
}

const Heading: FC<{ readonly level: number; readonly text: string }> = ({ level, text }) => {
  const id = anchorOf(text);
  if (level === 1) return <h1 id={id}>{inline(text)}</h1>;
  return level === 2 ? <h2 id={id}>{inline(text)}</h2> : <h3 id={id}>{inline(text)}</h3>;
};

const TableOf: FC<{ readonly head: readonly string[]; readonly rows: ReadonlyArray<readonly string[]> }> = ({
  head,
  rows,
}) => (
  <section class="scroll" aria-label={head.join(', ').replaceAll('`', '')} tabindex={0}>
    <table class="blocks">
      <thead>
        <tr>
          {head.map((cell) => (
            <th scope="col">{inline(cell)}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((cells) => (
          <tr id={/^`(\w+)`$/.exec(cells[0] ?? '')?.[1]}>
            {cells.map((cell, index) => (
              <td data-label={head[index]?.replaceAll('`', '')}>
                <span>{inline(cell)}</span>
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

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*\s](?:[^*]*[^*\s])?)\*|\[([^\]]+)\]\(([^)\s]+)\)|<br>/g;

function inline(text: string): Child[] {
  const parts: Child[] = [];
  let done = 0;
  for (const match of text.matchAll(INLINE)) {
    parts.push(text.slice(done, match.index));
    done = match.index + match[0].length;
    const [, code, strong, em, words, target] = match;
    if (code !== undefined) parts.push(<code>{code}</code>);
    else if (strong !== undefined) parts.push(<strong>{inline(strong)}</strong>);
    else if (em !== undefined) parts.push(<em>{inline(em)}</em>);
    else if (words !== undefined) parts.push(linkOf(words, target ?? ''));
    else parts.push(<br />);
  }
  return [...parts, text.slice(done)];
}

/** Another document is not served: what it is called stands there, and no link that leads nowhere. */
function linkOf(words: string, target: string): Child {
  if (!/^(?:#|https:\/\/)/.test(target)) return <span title={`docs/${target}`}>{inline(words)}</span>;
  return (
    <a href={target} rel="noreferrer">
      {inline(words)}
    </a>
  );
}
