import { useEffect } from "preact/hooks";
import { keeper } from "../keeper/client";
import type { ApprovalView } from "../keeper/keeper";
import { Empty, Told } from "../parts/basics";
import { useAct, useAsked } from "../parts/use";
import { environmentName, note } from "../state";
import { Skeleton } from "./secrets";

/** How often is looked for new questions while the page is shown, in milliseconds. */
const INTERVAL = 5000;

/** What coding agents ask a person for. */
export function Approvals() {
  const { answer: asked, trouble, again } = useAsked(
    async () => ({ approvals: await keeper.approvals(), keys: await keeper.keys() }),
    [],
  );
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") again();
    }, INTERVAL);
    return () => clearInterval(timer);
  }, [again]);
  return (
    <>
      <div class="head">
        <div>
          <h1>Approvals</h1>
          <p class="hint">What agents ask for that you want to be asked about. Each question waits ten minutes.</p>
        </div>
      </div>
      <Told trouble={trouble} />
      {asked === null && trouble === null && <Skeleton />}
      {asked?.approvals.length === 0 && (
        <Empty icon="check" title="Nothing is asked">
          <p>A secret whose policy says “ask”, and a production secret that is to be revealed, shows here when an agent wants it.</p>
        </Empty>
      )}
      <ul class="list" aria-label="Approvals">
        {asked?.approvals.map((one) => (
          <Question
            key={one.id}
            asked={one}
            by={asked.keys.find((key) => key.id === one.credential)?.name ?? "a key that your record does not have"}
            onAnswered={again}
          />
        ))}
      </ul>
    </>
  );
}

function Question({ asked, by, onAnswered }: { asked: ApprovalView; by: string; onAnswered: () => void }) {
  const { busy, trouble, act } = useAct();
  const answer = (yes: boolean) =>
    void act(
      () => keeper.answerApproval(asked, yes),
      () => {
        note(yes ? "Allowed. The agent may call again." : "Refused.");
        onAnswered();
      },
    );
  return (
    <li class="item">
      <div class="item-name">
        <strong>{asked.names.join(", ")}</strong>
        <p>
          {asked.wanted === "use"
            ? "An agent wants to run commands with it."
            : "An agent wants to read its value into the conversation."}
        </p>
        <p class="hint">
          {environmentName(asked.environment)} · by the key {by}
        </p>
        <Told trouble={trouble} />
      </div>
      <div class="row">
        <button type="button" disabled={busy} onClick={() => answer(false)}>
          Refuse
        </button>
        <button type="button" class={asked.wanted === "use" ? "primary" : "danger"} disabled={busy} onClick={() => answer(true)}>
          Allow
        </button>
      </div>
    </li>
  );
}
