// One implementation, so that an application that mixes both kinds of modules has one kind of error.
import sdk from "./index.js";

export const {
  loadEnv,
  getSecret,
  listSecrets,
  SecureCodeError,
  LocalError,
  RefusedError,
  DistrustedError,
  UnreachableError,
  QuotaError,
} = sdk;
