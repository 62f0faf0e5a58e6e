// The API key of whoever may do more: kept for this tab, sent in a header.

import { make } from "./dom.js";

const PLACE = "ziggurat-key";

/** Headers that a request needs, with the key if there is one. */
export function withKey(headers = {}) {
  const key = sessionStorage.getItem(PLACE);
  return key ? { ...headers, Authorization: `Bearer ${key}` } : headers;
}

/** Ask for a key; resolves to whether one was given. */
export function askForKey(why) {
  return new Promise((resolve) => {
    const field = make("input", {
      id: "key-field",
      type: "password",
      autocomplete: "off",
      value: sessionStorage.getItem(PLACE) ?? "",
    });
    const dialog = make(
      "dialog",
      { "aria-labelledby": "key-title", class: "key" },
      make(
        "form",
        { method: "dialog" },
        make("h2", { id: "key-title" }, "API key"),
        make("p", {}, why),
        make("label", { for: "key-field" }, "Key"),
        field,
        make(
          "p",
          { class: "row" },
          make("button", { value: "use", class: "strong" }, "Use it"),
          make("button", { value: "forget" }, "Forget it"),
          make("button", { value: "leave", formnovalidate: true }, "Cancel"),
        ),
      ),
    );
    dialog.addEventListener("close", () => {
      if (dialog.returnValue === "use") sessionStorage.setItem(PLACE, field.value.trim());
      if (dialog.returnValue === "forget") sessionStorage.removeItem(PLACE);
      dialog.remove();
      resolve(dialog.returnValue === "use" && field.value.trim() !== "");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
