import { keeper } from "../keeper/client";
import type { Usage } from "../keeper/keeper";
import { Told } from "./basics";
import { useAsked } from "./use";

const NAMES: Record<Usage["limits"][number]["resource"], string> = {
  projects: "Projects",
  keys: "API keys",
  secrets: "Secrets",
  reads: "Reads today",
  value_bytes: "Largest value",
};

const NUMBER = new Intl.NumberFormat();

/** What the plan allows and what is used of it. */
export function Quotas() {
  const { answer, trouble } = useAsked(() => keeper.usage(), []);
  return (
    <section class="card" aria-label="Plan">
      <h2>Plan{answer && <span class="tag">{answer.plan}</span>}</h2>
      <Told trouble={trouble} />
      <ul class="quotas">
        {answer?.limits.map((limit) => (
          <li key={limit.resource}>
            <span>{NAMES[limit.resource]}</span>
            {limit.used == null ? (
              <span class="hint">{NUMBER.format(limit.allowed / 1024)} KiB</span>
            ) : (
              <>
                <span class="hint">
                  {NUMBER.format(limit.used)} of {NUMBER.format(limit.allowed)}
                </span>
                <meter
                  aria-label={NAMES[limit.resource]}
                  min={0}
                  max={limit.allowed}
                  high={limit.allowed * 0.9}
                  optimum={0}
                  value={limit.used}
                />
              </>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
