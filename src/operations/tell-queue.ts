/** What an operation stored is due in the database; the queue is only told, so that a worker begins at once. */

/**
 * Tells it after the rows are stored. That it could not be told undoes nothing and is never thrown: whoever asked would take
 * it for a failure of what is done.
 * @returns why it could not be told; null when it was
 */
export async function tellQueue(tell: () => Promise<unknown>): Promise<unknown> {
  try {
    await tell();
    return null;
  } catch (error) {
    return error;
  }
}
