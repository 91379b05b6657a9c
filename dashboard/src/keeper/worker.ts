import init from "../../wasm/sealing_js";
import module from "../../wasm/sealing_js_bg.wasm?url";
import { Keeper, type Memory } from "./keeper";
import { trouble, type Trouble } from "./refused";

export type Asked =
  | { id: number; method: "start"; args: [origin: string, memory: Memory] }
  | { id: number; method: string; args: unknown[] };
export type Said =
  | { id: number; result: unknown }
  | { id: number; trouble: Trouble }
  | { keep: string; value: string | null }
  | { progress: { what: string; done?: number; all?: number } };

const ready = init({ module_or_path: module });
let keeper: Keeper | null = null;

const say = (said: Said) => postMessage(said);

async function answer({ method, args }: Asked): Promise<unknown> {
  await ready;
  if (method === "start") {
    const [origin, memory] = args as [string, Memory];
    keeper = new Keeper(
      origin,
      memory,
      (keep, value) => say({ keep, value }),
      (what, done, all) =>
        say({ progress: { what, ...(done === undefined ? {} : { done }), ...(all === undefined ? {} : { all }) } }),
    );
    return null;
  }
  if (keeper === null || !Object.getOwnPropertyNames(Keeper.prototype).includes(method) || method === "constructor") {
    throw new Error(`there is no ${method}`);
  }
  return (keeper[method as keyof Keeper] as (...args: unknown[]) => unknown)(...args);
}

addEventListener("message", (event: MessageEvent<Asked>) => {
  const { id } = event.data;
  answer(event.data).then(
    (result) => say({ id, result }),
    (error: unknown) => say({ id, trouble: trouble(error) }),
  );
});
