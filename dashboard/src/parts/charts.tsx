import { date } from "./basics";

/** Bars by day, the refused part marked; the numbers stand in a table for who cannot see them. */
export function Days({ title, days, at }: { title: string; days: number; at: { at: number; refused: boolean }[] }) {
  const today = Math.floor(Date.now() / 86_400_000);
  const counts = Array.from({ length: days }, (_, back) => ({ day: today - days + 1 + back, all: 0, refused: 0 }));
  for (const one of at) {
    const count = counts[Math.floor(one.at / 86_400) - (today - days + 1)];
    if (count === undefined) continue;
    count.all++;
    if (one.refused) count.refused++;
  }
  const most = Math.max(1, ...counts.map((count) => count.all));
  const [width, height] = [12, 96];
  const tall = (count: number) => (count === 0 ? 0 : Math.max(2, (count / most) * height));
  return (
    <figure class="card chart wide-chart">
      <figcaption>
        {title}
        <span class="hint">most {most === 1 && at.length === 0 ? 0 : most}</span>
      </figcaption>
      <svg viewBox={`0 0 ${days * width} ${height + 1}`} preserveAspectRatio="none" aria-hidden="true">
        {counts.map((count, index) => (
          <g key={count.day}>
            <title>{`${date(count.day * 86_400)}: ${count.all}${count.refused > 0 ? `, ${count.refused} refused` : ""}`}</title>
            <rect class="bar-room" x={index * width + 1} y={height - 2} width={width - 2} height={2} rx={1} />
            <rect
              class="bar"
              x={index * width + 1}
              y={height - tall(count.all)}
              width={width - 2}
              height={tall(count.all)}
              rx={2}
            />
            <rect
              class="bar-refused"
              x={index * width + 1}
              y={height - tall(count.refused)}
              width={width - 2}
              height={tall(count.refused)}
              rx={2}
            />
          </g>
        ))}
      </svg>
      <div class="axis hint" aria-hidden="true">
        <span>{date((counts[0]?.day ?? 0) * 86_400)}</span>
        <span>today (UTC)</span>
      </div>
      <Table title={title} rows={counts.filter((count) => count.all > 0).map((count) => [date(count.day * 86_400), count.all])} />
    </figure>
  );
}

/** The six most frequent, and the rest. */
export function Bars({ title, of }: { title: string; of: string[] }) {
  const counts = new Map<string, number>();
  for (const one of of) counts.set(one, (counts.get(one) ?? 0) + 1);
  const sorted = [...counts].sort((a, b) => b[1] - a[1]);
  const rest = sorted.slice(6).reduce((sum, [, count]) => sum + count, 0);
  const shown: [string, number][] = rest === 0 ? sorted.slice(0, 6) : [...sorted.slice(0, 6), ["others", rest]];
  const most = Math.max(1, ...shown.map(([, count]) => count));
  return (
    <figure class="card chart">
      <figcaption>{title}</figcaption>
      <div class="bars" aria-hidden="true">
        {shown.map(([name, count]) => (
          <div key={name} class="bars-row">
            <span class="bars-name">{name}</span>
            <span class="hint">{count}</span>
            <svg viewBox="0 0 100 6" preserveAspectRatio="none">
              <rect class="bar-room" width={100} height={6} rx={3} />
              <rect class="bar" width={(count / most) * 100} height={6} rx={3} />
            </svg>
          </div>
        ))}
        {shown.length === 0 && <p class="hint">nothing yet</p>}
      </div>
      <Table title={title} rows={shown} />
    </figure>
  );
}

function Table({ title, rows }: { title: string; rows: [string, number][] }) {
  return (
    <table class="visually-hidden">
      <caption>{title}</caption>
      <tbody>
        {rows.map(([name, count]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{count}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
