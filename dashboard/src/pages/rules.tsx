import { useState } from "preact/hooks";
import { keeper } from "../keeper/client";
import type { PolicyView, RuleView } from "../keeper/keeper";
import { Dialog, Empty, Field, Tags, Told } from "../parts/basics";
import { Icon } from "../parts/icon";
import { PolicyForm } from "../parts/policy";
import { useAct, useAsked } from "../parts/use";
import { environment, environmentName, note } from "../state";
import { NoEnvironment } from "./no_environment";
import { Skeleton } from "./secrets";

/** Policies by tag, for an environment. */
export function Rules() {
  const place = environment.value;
  return place === null ? <NoEnvironment /> : <RulesOf key={place.id} place={place.id} />;
}

const SAYS = { allow: "allowed", ask: "a person is asked", block: "blocked" };

function summary({ use, reveal, production, hosts, commands }: PolicyView): string {
  return [
    `use: ${SAYS[use]}`,
    `showing it: ${SAYS[reveal]}`,
    commands.length > 0 && `only ${commands.join(", ")}`,
    hosts.length > 0 && `only to ${hosts.join(", ")}`,
    production && "production",
  ]
    .filter(Boolean)
    .join(" · ");
}

function RulesOf({ place }: { place: string }) {
  const { answer: rules, trouble, set } = useAsked(() => keeper.rules(place), []);
  const [edited, setEdited] = useState<RuleView | "new" | null>(null);
  const { busy, trouble: failed, act } = useAct();
  const laidDown = (tag: string) => (changed: RuleView[]) => {
    set(changed);
    setEdited(null);
    note(`The rule for ${tag} holds from now on.`);
  };
  return (
    <>
      <div class="head">
        <div>
          <h1>Rules</h1>
          <p class="hint">
            {environmentName(place)}. A rule holds for every secret with its tag; of several, and of a secret’s own
            policy, the strictest does.
          </p>
        </div>
        <button type="button" class="primary" onClick={() => setEdited("new")}>
          <Icon name="plus" /> Rule
        </button>
      </div>
      <Told trouble={trouble ?? failed} />
      {rules === null && trouble === null && <Skeleton />}
      {rules?.length === 0 && (
        <Empty icon="check" title="No rules yet">
          <p>For example: a person is asked before a command gets what is tagged “production”.</p>
        </Empty>
      )}
      <ul class="list" aria-label="Rules">
        {rules?.map((rule) => (
          <li class="item" key={rule.tag}>
            <div class="item-name">
              <div class="marks">
                <Tags tags={[rule.tag]} />
              </div>
              <p class="hint">{summary(rule.policy)}</p>
            </div>
            <div class="row">
              <button type="button" aria-label={`Change the rule for ${rule.tag}`} onClick={() => setEdited(rule)}>
                Change
              </button>
              <button
                type="button"
                class="quiet danger"
                disabled={busy}
                aria-label={`Take the rule for ${rule.tag} away`}
                onClick={() => void act(() => keeper.setRule(place, rule.tag, null), set)}
              >
                Take away
              </button>
            </div>
          </li>
        ))}
      </ul>
      {edited !== null && (
        <EditRule
          rule={edited === "new" ? null : edited}
          place={place}
          onLaidDown={laidDown}
          onClose={() => setEdited(null)}
        />
      )}
    </>
  );
}

function EditRule({
  rule,
  place,
  onLaidDown,
  onClose,
}: {
  rule: RuleView | null;
  place: string;
  onLaidDown: (tag: string) => (changed: RuleView[]) => void;
  onClose: () => void;
}) {
  const [tag, setTag] = useState(rule?.tag ?? "production");
  return (
    <Dialog title={rule === null ? "A rule for a tag" : `The rule for ${rule.tag}`} onClose={onClose}>
      {rule === null && (
        <Field label="Tag" required value={tag} onInput={(event) => setTag(event.currentTarget.value.trim())} />
      )}
      <PolicyForm
        policy={rule?.policy ?? null}
        layDown={(policy) => keeper.setRule(place, tag, policy)}
        onLaidDown={onLaidDown(tag)}
      />
    </Dialog>
  );
}
