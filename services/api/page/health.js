/** The state of the stack, in words first. */
import { element, reconcile, setAttribute, setText } from './dom.js'
import { formatCount } from './format.js'

/** @param {any} status @param {{ words: Element, parts: Element, lags: Element, pill: Element }} places */
export const showHealth = (status, { words, parts, lags, pill }) => {
  const broken = status.processes.filter((/** @type {any} */ part) => part.state !== 'ready')
  setAttribute(pill, 'data-state', status.ready ? 'ready' : 'failed')
  setText(
    pill,
    status.ready
      ? `All ${status.processes.length} parts work`
      : `${broken.length} of ${status.processes.length} parts not working`,
  )
  reconcile(words, /** @type {string[]} */ (status.words), {
    keyOf: (text) => text.replaceAll(/[\d,.]+/g, '#'),
    create: () => element('li'),
    update: (node, text) => setText(node, text),
  })
  reconcile(parts, /** @type {any[]} */ (status.processes), {
    keyOf: (part) => part.name,
    create: (part) =>
      element(
        'li',
        { class: 'part' },
        element('span', { class: 'name' }, part.name),
        element('span', { class: 'state' }),
        element('span', { class: 'detail' }),
        element('span', { class: 'remedy' }),
      ),
    update: (node, part) => {
      setAttribute(node, 'data-state', part.state)
      const texts = { state: part.state, detail: part.detail, remedy: part.remedy ?? '' }
      for (const [name, text] of Object.entries(texts)) {
        const place = node.querySelector(`.${name}`)
        if (place !== null) setText(place, text)
      }
    },
  })
  const behind = status.lags.consumers.filter((/** @type {any} */ lag) => lag.records > 0)
  reconcile(lags, behind.length === 0 ? [upToDate] : behind, {
    keyOf: (lag) => `${lag.consumer} ${lag.topic}`,
    create: () => element('li'),
    update: (node, lag) => setText(node, lag === upToDate ? lag.text : lagInWords(lag)),
  })
}

const upToDate = { consumer: '', topic: '', text: 'Pipelines and sink are up to date.' }

/** @param {any} lag */
const lagInWords = ({ consumer, topic, records }) =>
  `${consumer}: ${formatCount(records)} ${records === 1 ? 'record' : 'records'} behind${topic === null ? '' : ` on ${topic}`}`
