// The floor: what a request costs before a Worker does anything.
export default {
  fetch: () => new Response("{}", { headers: { "content-type": "application/json" } }),
};
