/** The API key of whoever looks, where one is needed: kept as long as the tab, and sent with each question. */

const place = 'millrace-key'

/** @returns {Record<string, string>} */
export const keyHeaders = () => {
  const key = sessionStorage.getItem(place)
  return key === null ? {} : { 'x-api-key': key }
}

/**
 * @param {HTMLFormElement} form
 * @param {() => void} onKey
 */
export const listenForKey = (form, onKey) => {
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const input = /** @type {HTMLInputElement} */ (form.elements.namedItem('key'))
    sessionStorage.setItem(place, input.value.trim())
    input.value = ''
    onKey()
  })
}
