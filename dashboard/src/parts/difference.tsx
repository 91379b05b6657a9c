type Line = { mark: " " | "-" | "+"; text: string };

/** The lines of two values, by their longest common subsequence; of very long ones only what frames the change. */
export function difference(before: string, after: string): Line[] {
  const [a, b] = [before.split("\n"), after.split("\n")];
  if (a.length * b.length > 1_000_000) {
    return [...a.map((text) => ({ mark: "-" as const, text })), ...b.map((text) => ({ mark: "+" as const, text }))];
  }
  // lengths[i][j]: of the longest common subsequence of a[i..] and b[j..].
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  const at = (i: number, j: number) => lengths[i]?.[j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const row = lengths[i];
      if (row) row[j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ mark: " ", text: a[i] ?? "" });
      i++;
      j++;
    } else if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ mark: "-", text: a[i++] ?? "" });
    } else {
      lines.push({ mark: "+", text: b[j++] ?? "" });
    }
  }
  return lines;
}

const WORDS = { " ": "same", "-": "before", "+": "now" };

export function Difference({ before, after }: { before: string; after: string }) {
  if (before === after) return <p>The two values are the same.</p>;
  return (
    <ol class="difference mono" data-secret>
      {difference(before, after).map((line, at) => (
        <li key={at} class={WORDS[line.mark]}>
          <span aria-hidden="true">{line.mark}</span>
          <span class="visually-hidden">{WORDS[line.mark]}: </span>
          {line.text}
        </li>
      ))}
    </ol>
  );
}
