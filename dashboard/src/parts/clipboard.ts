import { note } from "../state";

/** How long a value stays on the clipboard or on the screen, in seconds. */
export const SECONDS = 30;

let pending: ReturnType<typeof setTimeout> | null = null;

/**
 * Copies a value and empties the clipboard after a while, and when the page is locked or left. What was copied since
 * is lost with it: whether it is still the value could only be asked with a permission that few would give.
 */
export async function copySecret(value: string, what: string): Promise<void> {
  await navigator.clipboard.writeText(value);
  note(`${what} copied. The clipboard is emptied in ${SECONDS} seconds.`);
  if (pending !== null) clearTimeout(pending);
  pending = setTimeout(() => void empty(), SECONDS * 1000);
}

async function empty(): Promise<void> {
  if (pending === null) return;
  try {
    await navigator.clipboard.writeText("");
    clearTimeout(pending);
    pending = null;
  } catch {
    // Refused while another window has the focus: again when this one has it.
    addEventListener("focus", () => void empty(), { once: true });
  }
}

addEventListener("lock", () => void empty());
addEventListener("pagehide", () => void empty());
