/** Just enough to build elements and to keep lists in step without rebuilding them (no flicker). */

/**
 * @param {string} tag
 * @param {Record<string, string | boolean | ((event: any) => void)>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export const element = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') node.addEventListener(name.slice(2), value)
    else if (value === true) node.setAttribute(name, '')
    else if (value !== false) node.setAttribute(name, value)
  }
  node.append(...children)
  return node
}

/** The element of the page with this id; every id is in index.html. @param {string} id */
export const byId = (id) => {
  const node = document.getElementById(id)
  if (node === null) throw new Error(`index.html has no element #${id}`)
  return node
}

/** Writes only what changed, so that a selection or a screen reader is not disturbed. */
/** @param {Element} node @param {string} text */
export const setText = (node, text) => {
  if (node.textContent !== text) node.textContent = text
}

/** @param {Element} node @param {string} name @param {string | null} value */
export const setAttribute = (node, name, value) => {
  if (value === null) node.removeAttribute(name)
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value)
}

/**
 * Makes the children of `parent` match `items`: known keys keep their element, others come and go.
 *
 * @template Item
 * @param {Element} parent
 * @param {readonly Item[]} items
 * @param {{
 *   keyOf: (item: Item) => string,
 *   create: (item: Item) => HTMLElement,
 *   update: (node: HTMLElement, item: Item) => void,
 * }} row
 */
export const reconcile = (parent, items, { keyOf, create, update }) => {
  /** @type {Map<string, HTMLElement>} */
  const known = new Map()
  for (const child of [...parent.children]) {
    if (child instanceof HTMLElement && child.dataset['key'] !== undefined) {
      known.set(child.dataset['key'], child)
    } else child.remove()
  }
  let place = parent.firstElementChild
  for (const item of items) {
    const key = keyOf(item)
    let node = known.get(key)
    known.delete(key)
    if (node === undefined) {
      node = create(item)
      node.dataset['key'] = key
    }
    update(node, item)
    if (node === place) place = place.nextElementSibling
    else parent.insertBefore(node, place)
  }
  for (const gone of known.values()) gone.remove()
}
