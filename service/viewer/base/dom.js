// Elements made in one expression, and words for those who listen.

/**
 * An element with attributes, listeners (`onclick` and the like, as functions) and children; null is left out.
 * @param {string} tag
 * @param {Record<string, unknown>} [attributes]
 * @param {...(Node | string | null)} children
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** A heading with an id of its own, and the section that it names. */
export function section(title, name, ...children) {
  const heading = make("h2", { id: `${name}-title` }, title);
  return make("section", { class: `panel ${name}`, "aria-labelledby": heading.id }, heading, ...children);
}

/** Say something to those who listen; the newest words replace those before. */
export function announce(words) {
  document.getElementById("announcer").textContent = words;
}

/** A function that runs `work` once things have been quiet for a while. */
export function afterwards(work, ms) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...given), ms);
  };
}

/** A function that runs `work` before the next picture, however often it is called until then. */
export function beforeNextPicture(work) {
  let isAsked = false;
  return () => {
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(() => {
      isAsked = false;
      work();
    });
  };
}
