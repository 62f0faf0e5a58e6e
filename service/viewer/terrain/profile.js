// A profile along a line.

import { section, make } from "../base/dom.js";

/** Comes with the profiles of the service. */
export function showProfile() {
  return section("Profile", "profile", make("p", {}, "Not yet."));
}
