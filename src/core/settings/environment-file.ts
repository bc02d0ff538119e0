/** The text of a `.env` with other values in it: everything else in it stays, comments and order included. Pure. */

/** Null: not set, whatever it was. */
export type NewValues = ReadonlyMap<string, string | null>;

/** A variable is set where it stands, commented out or not, or else at the end. */
export function withValues(text: string, values: NewValues): string {
  const lines = text === '' ? [] : text.replace(/\n$/, '').split(/\r?\n/);
  for (const [name, value] of values) {
    const line = value === null ? `#${name}=` : `${name}=${quotedValue(value)}`;
    const isSet = lines.map((one) => new RegExp(`^\\s*(?:export\\s+)?${name}\\s*=`).test(one));
    const at = isSet.includes(true) ? isSet.indexOf(true) : lines.findIndex((one) => one.startsWith(`#${name}=`));
    // A second line of the same name would win.
    for (let index = lines.length - 1; index > at; index -= 1) if (isSet[index]) lines.splice(index, 1);
    if (at !== -1) lines[at] = line;
    else if (value !== null) lines.push(line);
  }
  return `${lines.join('\n')}\n`;
}

/** As Node's parser and Docker Compose read the same out of it. */
function quotedValue(value: string): string {
  if (/^[\w.:/@%+=,;?&~*-]*$/.test(value)) return value;
  const quote = ["'", '"', '`'].find((one) => !value.includes(one)) ?? "'";
  return `${quote}${value}${quote}`;
}
