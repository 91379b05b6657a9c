import init from "../../wasm/sealing_js";
import module from "../../wasm/sealing_js_bg.wasm?url";
import { Keeper, type Memory } from "./keeper";
import { trouble, type Trouble } from "./refused";

/** What is to be done, and what the browser remembers now: another tab may have seen newer states. */
export interface Asked {
  id: number;
  method: string;
  args: unknown[];
  memory: Memory;
}
export type Said =
  | { id: number; result: unknown }
  | { id: number; trouble: Trouble }
  | { keep: string; value: string | null }
  | { progress: { what: string; done?: number; all?: number } };

const ready = init({ module_or_path: module });
const say = (said: Said) => postMessage(said);
const keeper = new Keeper(
  location.origin,
  (keep, value) => say({ keep, value }),
  (what, done, all) =>
    say({ progress: { what, ...(done === undefined ? {} : { done }), ...(all === undefined ? {} : { all }) } }),
);

async function answer({ method, args, memory }: Asked): Promise<unknown> {
  await ready;
  keeper.memory = memory;
  if (!Object.getOwnPropertyNames(Keeper.prototype).includes(method) || method === "constructor") {
    throw new Error(`there is no ${method}`);
  }
  return (keeper[method as keyof Keeper] as (...args: unknown[]) => unknown)(...args);
}

addEventListener("message", (event: MessageEvent<Asked>) => {
  const { id, method } = event.data;
  answer(event.data)
    .then(
      (result) => say({ id, result }),
      (error: unknown) => say({ id, trouble: trouble(error) }),
    )
    .finally(() => method === "lock" && close());
});
