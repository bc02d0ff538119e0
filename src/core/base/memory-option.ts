/** How Node is told to take more memory, for messages that say how much a process would need. */

/** In whole hundreds of megabytes. */
export function memoryOption(bytes: number): string {
  return `NODE_OPTIONS=--max-old-space-size=${Math.ceil(bytes / 1e8) * 100}`;
}
