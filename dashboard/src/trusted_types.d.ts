/** What TypeScript’s own library does not have yet (https://w3c.github.io/trusted-types/dist/spec/). */
interface Window {
  trustedTypes?: {
    createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): {
      createScriptURL(url: string): { toString(): string };
    };
  };
}
