import { useState } from "preact/hooks";
import { keeper } from "../keeper/client";
import type { BinnedView } from "../keeper/keeper";
import { Ago, Dialog, Empty, Tags, Told } from "../parts/basics";
import { useAct, useAsked } from "../parts/use";
import { address, environment, environmentName, listed, note } from "../state";
import { NoEnvironment } from "./no_environment";
import { Skeleton } from "./secrets";

/** Deleted secrets, which can be had back for 30 days. */
export function Bin() {
  const place = environment.value;
  return place === null ? <NoEnvironment /> : <Deleted key={place.id} id={place.id} />;
}

function Deleted({ id }: { id: string }) {
  const { answer, trouble, again } = useAsked(() => keeper.bin(id), []);
  const [forgetting, setForgetting] = useState<BinnedView | null>(null);
  const { busy, trouble: failed, act } = useAct();
  return (
    <>
      <div class="head">
        <div>
          <h1>Bin</h1>
          <p class="hint">{environmentName(id)} · kept for 30 days</p>
        </div>
        <a class="button" href={address()}>
          Back to the secrets
        </a>
      </div>
      <Told trouble={trouble} />
      <Told trouble={failed} />
      {answer === null && trouble === null && <Skeleton />}
      {answer?.length === 0 && <Empty icon="bin" title="The bin is empty" />}
      <ul class="list">
        {answer?.map((one) => (
          <li class="item" key={one.id}>
            <div class="item-name">
              <span class="mono">{one.name}</span>
              <div class="marks">
                <Tags tags={one.tags} />
              </div>
              <p class="hint">
                deleted <Ago at={one.deleted_at} />
              </p>
            </div>
            <div class="row">
              <button
                type="button"
                disabled={busy}
                onClick={() =>
                  void act(
                    () => keeper.restoreBinned(id, one.id),
                    (list) => {
                      listed(id, list);
                      note(`${one.name} is back.`);
                      again();
                    },
                  )
                }
              >
                Restore
              </button>
              <button type="button" class="quiet danger" disabled={busy} onClick={() => setForgetting(one)}>
                Delete for good
              </button>
            </div>
          </li>
        ))}
      </ul>
      {forgetting && (
        <Dialog title={`Delete ${forgetting.name} for good?`} onClose={() => setForgetting(null)}>
          <p>Neither you nor anybody else can have it back then.</p>
          <div class="row end">
            <button type="button" onClick={() => setForgetting(null)}>
              Keep it
            </button>
            <button
              type="button"
              class="danger"
              disabled={busy}
              onClick={() =>
                void act(
                  () => keeper.forget(id, forgetting.id),
                  () => {
                    setForgetting(null);
                    again();
                  },
                )
              }
            >
              Delete for good
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}
