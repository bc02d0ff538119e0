/** Whether PostgreSQL keeps a text as it is: neither its `text` nor its `jsonb` takes NUL or half of a surrogate pair. */
export function canBeKept(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}
