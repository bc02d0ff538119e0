/**
 * How wide text is on a terminal, and how to cut it. Also the one place that makes text from outside (metadata, vendor
 * messages) harmless: control characters could otherwise move the cursor or recolour the screen of whoever reads it.
 */

import { commandLine } from '../core/base/own-command.js';

/** Made when the first text asks for it: it costs a tenth of what a command takes to start, and most texts are ASCII. */
let segmenter: Intl.Segmenter | undefined;

function graphemesOf(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  return segmenter.segment(text);
}

/** Control characters, line separators and the marks that reverse the direction of writing. */
const HARMFUL = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu;

/** Characters that take no cell of their own: combining marks, joiners, variation selectors. */
const ZERO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;

/** East Asian wide and full-width blocks, and emoji that terminals draw two cells wide. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f1e6}-\u{1f1ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;

/** One line without anything that a terminal would obey. */
export function plainText(text: string): string {
  return text.replace(HARMFUL, ' ');
}

/**
 * The same for what is printed as it is (JSON, CSV, errors, several lines): ends of lines stay, and what a terminal would
 * obey is spelled as JSON spells it.
 */
export function spelledText(text: string): string {
  return text.replace(HARMFUL, (run) =>
    run.replace(/\r(?!\n|$)|[^\r\n\t]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
}

/** Terminal cells that plain text takes. */
export function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemesOf(text)) width += widthOfGrapheme(segment);
  return width;
}

/** Cut to at most `width` cells; what was cut ends with an ellipsis. Never cuts a character in half. */
export function fitText(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  if (width <= 0) return '';
  let kept = '';
  let room = width - 1;
  for (const { segment } of graphemesOf(text)) {
    room -= widthOfGrapheme(segment);
    if (room < 0) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** Of a line whose first words say what it is: a sign, or the name of a fact and the gap behind it. */
const LEAD = /^(?:\s*[!-] |\s*\S+(?: \S+)*\s{2,}|\s+)/;

/** Beyond this share of the width, text beneath text would be a column of single words. */
const LEAD_SHARE_MAX = 0.5;

/**
 * One line as several, broken between words, the later ones beneath the text of the first. A word that is longer stays
 * whole, because it is something to copy: an id, an address. So does a command with all that it is given.
 *
 * @param width cells of the terminal; 0: no limit
 */
export function wrapLine(line: string, width: number): string[] {
  if (width <= 0 || widthOf(line) <= width) return [line];
  const found = LEAD.exec(line)?.[0] ?? '';
  const lead = widthOf(found) <= width * LEAD_SHARE_MAX ? found : '';
  const lines = [''];
  let room = width - widthOf(lead);
  for (const word of wordsOf(line.slice(lead.length))) {
    const cells = widthOf(word) + 1;
    if (lines.at(-1) !== '' && cells > room) {
      lines.push('');
      room = width - widthOf(lead);
    }
    const isFirst = lines.at(-1) === '';
    lines[lines.length - 1] += isFirst ? word : ` ${word}`;
    room -= isFirst ? cells - 1 : cells;
  }
  const indent = ' '.repeat(widthOf(lead));
  return lines.map((text, index) => `${index === 0 ? lead : indent}${text}`);
}

/** The words, with a command and all that it is given as one: its first half, pasted, would be another command. */
function wordsOf(text: string): string[] {
  const program = commandLine('').trimEnd();
  // Named as one; a sentence may speak of the program too.
  const leads = [`: ${program} `, `(${program} `].map((lead) => text.indexOf(lead)).filter((at) => at !== -1);
  if (leads.length === 0) return text.split(' ');
  const found = text.indexOf(program, Math.min(...leads));
  const [, command = '', rest = ''] = /^(.*?(?:[.;,)](?= |$)|$))(.*)$/s.exec(text.slice(found)) ?? [];
  const before = text.slice(0, found).split(' ');
  // What stands right before it, such as a bracket, stays with it.
  const attached = `${before.pop() ?? ''}${command}`;
  return [...before, attached, ...(rest === '' ? [] : wordsOf(rest.trimStart()))];
}

function widthOfGrapheme(grapheme: string): number {
  if (ZERO_WIDTH.test(grapheme)) return 0;
  return WIDE.test(grapheme) ? 2 : 1;
}
